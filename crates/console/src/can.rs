//! What a session may do.

macro_rules! can {
    ($($(#[$doc:meta])+ $field:ident = $action:literal)+) => {
        /// What a session may do, by the actions of the API. Pages offer only that.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Can { $($(#[$doc])+ pub $field: bool,)+ }

        impl Can {
            /// Asks for every action whether it is allowed.
            pub fn of(allows: impl Fn(&str) -> bool) -> Self {
                Self { $($field: allows($action),)+ }
            }
        }
    };
}

can! {
    /// See lists.
    list_read = "waitlist.read"
    /// Create lists.
    list_create = "waitlist.create"
    /// Change lists and their settings.
    list_update = "waitlist.update"
    /// Delete lists.
    list_delete = "waitlist.delete"
    /// See entries, confirmations, referrals and the log of mail.
    entry_read = "entry.read"
    /// Decide on entries, confirmations and referrals, lift suppressions, import.
    entry_update = "entry.update"
    /// See variants.
    variant_read = "variant.read"
    /// Create variants.
    variant_create = "variant.create"
    /// Change variants.
    variant_update = "variant.update"
    /// Delete variants.
    variant_delete = "variant.delete"
    /// See webhooks and their deliveries.
    webhook_read = "webhook.read"
    /// Create webhooks.
    webhook_create = "webhook.create"
    /// Change, test and replay webhooks, rotate their secrets.
    webhook_update = "webhook.update"
    /// Delete webhooks.
    webhook_delete = "webhook.delete"
    /// See the numbers of a list.
    numbers_read = "rally.read"
    /// See the settings of the workspace and the templates of mail.
    settings_read = "rally.settings.read"
    /// Change the settings of the workspace and the templates of mail.
    settings_update = "rally.settings.update"
    /// See the audit log.
    audit_read = "rally.audit.read"
    /// See API keys.
    key_read = "key.read"
    /// Create API keys.
    key_create = "key.create"
    /// Revoke API keys.
    key_delete = "key.delete"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_may_do_what_its_scope_allows() {
        let can = Can::of(|action| action.starts_with("entry."));
        assert!(can.entry_read && can.entry_update && !can.list_read && !can.audit_read);
        assert_eq!(Can::of(|_| false), Can::default());
    }
}
