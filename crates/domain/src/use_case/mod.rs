//! Use cases: free functions that call the ports in order. They contain only the steps between ports, and no rules.

pub mod bulk;
pub mod configure;
pub mod confirm;
pub mod entry_job;
pub mod erase;
pub mod feed;
pub mod invite;
pub mod join;
pub mod link;
pub mod referrals;
pub mod test_mail;
pub mod visit;
