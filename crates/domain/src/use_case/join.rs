//! Joining a waitlist from the public surface.

use std::net::IpAddr;

use crate::command::{SignUp, SignUpRejection};
use crate::custom_field::Metadata;
use crate::email::Email;
use crate::entry::Entry;
use crate::error::{CommandError, Fault};
use crate::id::VariantId;
use crate::port::{Humanity, Ports};
use crate::referral::ReferralCode;
use crate::text::{Interest, PersonName, Referrer};
use crate::waitlist::Waitlist;

/// What a person sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// The address.
    pub email: Email,
    /// The name.
    pub name: PersonName,
    /// What the person hopes to do.
    pub interest: Option<Interest>,
    /// How the person heard of it.
    pub referrer: Option<Referrer>,
    /// A friend's code; one that cannot be a code was dropped.
    pub friends_code: Option<ReferralCode>,
    /// The variant the person was shown.
    pub variant_id: Option<VariantId>,
    /// Answers to custom fields, and whatever else was sent.
    pub metadata: Metadata,
    /// What the captcha gave.
    pub captcha_token: Option<String>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
}

/// Why somebody could not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinRejection {
    /// The list asks for a captcha, and its token is missing or was not believed.
    #[error("the captcha token is missing or was not accepted")]
    CaptchaFailed,
    /// The sign-up was refused.
    #[error(transparent)]
    SignUp(SignUpRejection),
}

/// How often a sign-up is tried with a new code after its code turned out to be taken: a matter of one in many millions.
const CODE_ATTEMPTS: usize = 4;

/// Joins a waitlist: asks the captcha's verifier where the list wants one, then signs up.
///
/// A list that does not take sign-ups is told so before a captcha token is spent on it; the store decides again.
///
/// # Errors
/// When the captcha or a rule refuses it, or a port faults; then nothing was stored.
pub async fn run(ports: &Ports, waitlist: &Waitlist, join: Join) -> Result<Entry, CommandError<JoinRejection>> {
    if !waitlist.is_open() {
        return Err(CommandError::Rejected(JoinRejection::SignUp(SignUpRejection::WaitlistNotActive)));
    }
    if waitlist.settings.recaptcha_site_key.is_some() {
        check_human(ports, &join).await?;
    }
    let mut command = SignUp {
        interest: join.interest,
        referrer: join.referrer,
        friends_code: join.friends_code,
        variant_id: join.variant_id,
        metadata: join.metadata,
        ..SignUp::new(waitlist.id, join.email, join.name, ports.links.clone(), &*ports.clock, &*ports.ids)
    };
    for _ in 1..CODE_ATTEMPTS {
        match ports.entries.sign_up(command.clone()).await {
            Err(CommandError::Rejected(SignUpRejection::CodeTaken)) => {
                command.own_code = ReferralCode::from_entropy(ports.ids.entropy());
            }
            outcome => return outcome.map_err(|error| error.map_rejection(JoinRejection::SignUp)),
        }
    }
    ports.entries.sign_up(command).await.map_err(|error| match error {
        CommandError::Rejected(SignUpRejection::CodeTaken) => Fault::unexpected("no free referral code was drawn").into(),
        other => other.map_rejection(JoinRejection::SignUp),
    })
}

async fn check_human(ports: &Ports, join: &Join) -> Result<(), CommandError<JoinRejection>> {
    let token = join.captcha_token.as_deref().ok_or(CommandError::Rejected(JoinRejection::CaptchaFailed))?;
    let verifier = ports.humans.as_deref().ok_or_else(|| Fault::unavailable("no captcha verifier is configured"))?;
    match verifier.check(token, join.address).await? {
        Humanity::Human => Ok(()),
        Humanity::NotHuman => Err(CommandError::Rejected(JoinRejection::CaptchaFailed)),
    }
}
