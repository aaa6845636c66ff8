//! The settings for deliveries to webhooks.

use rally_domain::queue::RetrySchedule;
use rally_domain::webhook::DeliveryPolicy;
use rally_webhooks::Exemptions;
use time::Duration;

use super::text::{given, parse_time};
use super::{ConfigError, Settings};

/// The settings for deliveries to webhooks.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The receivers that are allowed although they are not public, or do not use https.
    pub exemptions: Exemptions,
    /// When a delivery is retried, and when a webhook is disabled.
    pub policy: DeliveryPolicy,
    /// How long an attempt may take.
    pub timeout: Duration,
}

/// The longest time limit of an attempt. It bounds the lease of a claim, which is twice the time limit plus 10 s.
const MAX_WEBHOOK_TIMEOUT: Duration = Duration::minutes(2);

impl WebhookConfig {
    pub(super) fn parse(settings: &Settings) -> Result<Self, ConfigError> {
        let of = |setting: &Option<String>| given(setting.clone());
        let defaults = DeliveryPolicy::default();
        let exemptions = Exemptions::parse(&of(&settings.webhook_allow).unwrap_or_default());
        let schedule = of(&settings.webhook_retry)
            .map(|list| list.split(',').map(|step| parse_time("RALLY_WEBHOOK_RETRY", step)).collect::<Result<Vec<_>, _>>());
        let timeout = of(&settings.webhook_timeout).map(|text| parse_time("RALLY_WEBHOOK_TIMEOUT", &text)).transpose()?;
        let disable_after = of(&settings.webhook_disable_after).map(|text| parse_time("RALLY_WEBHOOK_DISABLE_AFTER", &text));
        let timeout = timeout.unwrap_or(Duration::seconds(15));
        if timeout > MAX_WEBHOOK_TIMEOUT {
            return Err(ConfigError::new("RALLY_WEBHOOK_TIMEOUT", "must be at most 2m"));
        }
        Ok(Self {
            exemptions: exemptions.map_err(|error| ConfigError::new("RALLY_WEBHOOK_ALLOW", error.to_string()))?,
            policy: DeliveryPolicy {
                schedule: schedule.transpose()?.map_or(defaults.schedule, RetrySchedule::new),
                disable_after: disable_after.transpose()?.unwrap_or(defaults.disable_after),
            },
            timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn webhooks_are_sent_as_the_settings_say() {
        let some = |text: &str| Some(text.to_owned());
        let settings = Settings {
            webhook_retry: some("1s, 2m"),
            webhook_timeout: some("3s"),
            webhook_disable_after: some("1h"),
            ..Settings::sample()
        };
        let WebhookConfig { policy, timeout, .. } = Config::try_from(settings).unwrap().webhooks;
        assert_eq!(
            policy,
            DeliveryPolicy {
                schedule: RetrySchedule::new(vec![Duration::seconds(1), Duration::minutes(2)]),
                disable_after: Duration::hours(1)
            }
        );
        assert_eq!(timeout, Duration::seconds(3));
    }
}
