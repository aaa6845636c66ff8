//! Settings that have no effect. A server starts with them, and warns.

use clap::{Args as _, Command};

use super::Settings;
use super::text::given;

/// How many letters a name may differ from that of a setting to be taken for it. Swapped neighbours count as one.
const TYPOS: usize = 2;

/// Returns a sentence for each of these environment variables that looks like a mistyped setting, and for each setting that has no effect
/// without another.
pub fn without_effect(settings: &Settings, variables: impl Iterator<Item = String>) -> Vec<String> {
    let mistyped = variables.filter_map(|name| meant(&name).map(|meant| format!("{name} is no setting; is {meant} meant?")));
    let alone = |(name, value, other, other_value): &(&str, &Option<String>, &str, &Option<String>)| {
        let is_alone = given((*value).clone()).is_some() && given((*other_value).clone()).is_none();
        is_alone.then(|| format!("{name} has no effect without {other}"))
    };
    let s = settings;
    let pairs = [
        ("RALLY_DATABASE_CONNECTIONS", &s.database_connections, "DATABASE_URL", &s.database_url),
        ("RALLY_JWT_ISSUER", &s.jwt_issuer, "RALLY_JWKS_URL", &s.jwks_url),
        ("RALLY_JWT_AUDIENCE", &s.jwt_audience, "RALLY_JWKS_URL", &s.jwks_url),
        ("RALLY_HEIMDALL_ACCEPT_URL", &s.heimdall_accept_url, "RALLY_HEIMDALL_KEY", &s.heimdall_key),
        ("RALLY_RECAPTCHA_URL", &s.recaptcha_url, "RALLY_RECAPTCHA_SECRET", &s.recaptcha_secret),
        ("RALLY_RECAPTCHA_MIN_SCORE", &s.recaptcha_min_score, "RALLY_RECAPTCHA_SECRET", &s.recaptcha_secret),
    ];
    mistyped.chain(pairs.iter().filter_map(alone)).collect()
}

/// The setting that a variable is probably meant to be. `None` for a setting, and for what resembles none.
fn meant(variable: &str) -> Option<String> {
    let known: Vec<String> = Settings::augment_args(Command::new("rally"))
        .get_arguments()
        .filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned))
        .collect();
    if known.iter().any(|name| name == variable) {
        return None;
    }
    let distance = |name: &String| strsim::osa_distance(name, variable);
    known.into_iter().filter(|name| distance(name) <= TYPOS).min_by_key(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_setting_is_recognized() {
        let names = ["RALLY_SMPT_URL", "RALLY_PUBLIC_URI", "RALLY_TRUSTED_PROXY", "RALLY_PORT", "RALLY_SERVICE_HOST", "RALLY_BIND", "PATH"];
        assert_eq!(
            without_effect(&Settings::sample(), names.map(str::to_owned).into_iter()),
            ["RALLY_SMPT_URL is no setting; is RALLY_SMTP_URL meant?", "RALLY_PUBLIC_URI is no setting; is RALLY_PUBLIC_URL meant?"]
        );
    }

    #[test]
    fn a_setting_that_needs_another_is_told() {
        let some = |text: &str| Some(text.to_owned());
        let alone = Settings { jwt_issuer: some("https://id.example"), recaptcha_min_score: some("0.7"), ..Settings::sample() };
        assert_eq!(
            without_effect(&alone, std::iter::empty()),
            [
                "RALLY_JWT_ISSUER has no effect without RALLY_JWKS_URL",
                "RALLY_RECAPTCHA_MIN_SCORE has no effect without RALLY_RECAPTCHA_SECRET"
            ]
        );
        let together = Settings { jwks_url: some("https://id.example/keys"), recaptcha_secret: some("secret"), ..alone };
        assert_eq!(without_effect(&together, std::iter::empty()), [""; 0]);
    }
}
