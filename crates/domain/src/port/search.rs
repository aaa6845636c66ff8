//! Where entries are searched.

use async_trait::async_trait;

use crate::entry::Entry;
use crate::error::Fault;
use crate::id::WaitlistId;
use crate::paging::{Limit, Page};
use crate::referral::Position;
use crate::search::{EntryKey, EntryQuery};

/// Searches the entries of a list.
///
/// What serves [`search`](Self::search) may be written after the commit of a sign-up, by [`index`](Self::index). A change of an entry that
/// was found already shows with its commit.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EntrySearch: Send + Sync {
    /// The entries of a waitlist that a query finds, in its order, after a key.
    ///
    /// - A text MUST find starts of addresses and of words of names, and whole domains, in any case: `search::a_text_finds_people`.
    /// - Each filter MUST leave exactly the entries that it describes, and all filters hold together:
    ///   `search::every_filter_leaves_what_it_describes`.
    /// - Every order MUST be kept over pages, with ties by position, and every entry come once: `search::every_order_goes_over_pages`.
    /// - Pages MUST be complete and in order, however many entries are found: `search::pages_among_many_are_complete`.
    /// - Entries of another list MUST NOT be found: `search::a_search_stays_on_its_list`.
    /// - A changed profile MUST be found by what it says now, and by nothing that it said before:
    ///   `search::a_changed_profile_is_found_anew`.
    /// - Deleted and erased entries, and those of a deleted list, MUST NOT be found: `search::who_is_gone_is_not_found`.
    async fn search(
        &self,
        waitlist_id: WaitlistId,
        query: EntryQuery,
        after: Option<EntryKey>,
        limit: Limit,
    ) -> Result<Page<Entry, EntryKey>, Fault>;

    /// How many entries a query finds up to a position. Its order does not matter.
    ///
    /// - It MUST be the number of entries on the pages: `search::a_count_is_the_number_on_all_pages`.
    async fn count(&self, waitlist_id: WaitlistId, query: EntryQuery, until: Position) -> Result<u64, Fault>;

    /// Writes what serves search for about so many entries that came since the last call. Returns whether more may be left.
    ///
    /// - Afterwards every entry MUST be found, however the batches are cut: `search::every_entry_is_found_after_the_last_batch`.
    /// - Lists with many such entries MUST NOT keep others waiting: `search::a_long_list_keeps_no_other_waiting`,
    ///   `search::many_long_lists_keep_no_other_waiting`.
    /// - A profile that changes meanwhile MUST be found by what it says then: `search::profiles_change_while_terms_are_written`.
    async fn index(&self, entries: usize) -> Result<bool, Fault>;
}
