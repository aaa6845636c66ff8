//! Signing up on the public surface.

use std::net::IpAddr;

use time::Duration;

use crate::command::{RequestMailRejection, SignUp, SignUpRejection};
use crate::email::Email;
use crate::entry::Entry;
use crate::error::{CommandError, Fault};
use crate::id::VariantId;
use crate::port::{Humanity, MailDomain, Ports};
use crate::profile::Profile;
use crate::proof_of_work::{Proof, ProofOfWork};
use crate::referral::{OldCode, ReferralCode};
use crate::secret::NetworkHash;
use crate::settings::Confirmation;
use crate::use_case::confirm;
use crate::waitlist::Waitlist;

/// The data of a sign-up from the public surface.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// What the person says about themselves.
    pub profile: Profile,
    /// The referral code that the person used. A text that cannot be a code was dropped.
    pub friends_code: Option<ReferralCode>,
    /// The code as the person gave it, if people on the list have old codes. It may be one of these.
    pub given_code: Option<OldCode>,
    /// The variant that the person saw.
    pub variant_id: Option<VariantId>,
    /// The token of the captcha.
    pub captcha_token: Option<String>,
    /// The proof of work that the list asked for, checked. On a list with [`ProofOfWork::Auto`] the caller decides whether to ask for one.
    pub proof: Option<Proof>,
    /// The IP address of the client.
    pub address: Option<IpAddr>,
    /// The same, unless it is that of a proxy, which stands for many people.
    pub origin: Option<IpAddr>,
}

/// Why a person could not sign up.
#[derive(Debug, thiserror::Error)]
pub enum JoinRejection {
    /// The list needs a captcha, and its token is missing or was not accepted.
    #[error("the captcha token is missing or was not accepted")]
    CaptchaFailed,
    /// The list needs a proof of work, and there is none.
    #[error("a proof of work is missing: get a challenge and send its solution")]
    ProofMissing,
    /// The address is of a throw-away domain.
    #[error("{}", Email::DISPOSABLE)]
    Disposable,
    /// The domain of the address takes no mail.
    #[error("{}", Email::NO_MAIL)]
    NoMailDomain,
    /// The sign-up was refused.
    #[error(transparent)]
    SignUp(SignUpRejection),
    /// The sign-up was refused before it could wait for its confirmation.
    #[error(transparent)]
    Request(RequestMailRejection),
}

/// What became of a sign-up.
#[derive(Debug, Clone, PartialEq)]
pub enum Joined {
    /// The person is on the list.
    OnTheList(Box<Entry>),
    /// The owner of the address must confirm it. This tells nothing of the address: it may be on the list already.
    MustConfirm,
}

/// How often a sign-up is tried with a new code if its code is taken, which happens once in many millions.
const CODE_ATTEMPTS: usize = 4;

/// Signs a person up, or lets the sign-up wait that long for its confirmation, if the list asks for one. Rally asks the captcha's verifier
/// first, if the list needs it, and whether the domain of the address takes mail, if the list wants to know.
///
/// Rally checks that the list is open before it uses a captcha token. The store checks it again.
///
/// # Errors
/// If the captcha or a rule refuses the sign-up. Then nothing was stored. If a port has a fault, the entry may have been stored (see
/// [`CommandError::Fault`]).
pub async fn run(ports: &Ports, waitlist: &Waitlist, mut join: Join, ttl: Duration) -> Result<Joined, CommandError<JoinRejection>> {
    if !waitlist.is_open() {
        return Err(CommandError::Rejected(JoinRejection::SignUp(SignUpRejection::WaitlistNotActive)));
    }
    if waitlist.settings.proof_of_work == ProofOfWork::On && join.proof.is_none() {
        return Err(CommandError::Rejected(JoinRejection::ProofMissing));
    }
    if waitlist.settings.addresses.block(&join.profile.email, &ports.disposable) {
        return Err(CommandError::Rejected(JoinRejection::Disposable));
    }
    if waitlist.settings.recaptcha_site_key.is_some() {
        check_human(ports, &join).await?;
    }
    if waitlist.settings.addresses.check_mx {
        check_domain(ports, &join).await?;
    }
    if let Some(code) = &join.given_code {
        join.friends_code = ports.imports.resolve_code(waitlist.id, code).await?;
    }
    if waitlist.settings.email_confirmation == Confirmation::Off {
        let command = SignUp {
            friends_code: join.friends_code.clone(),
            variant_id: join.variant_id,
            proof: join.proof,
            client: join.address,
            network: network(ports, waitlist, &join),
            disposable: ports.disposable.has(&join.profile.email),
            ..SignUp::new(waitlist.id, join.profile.clone(), ports.links.clone(), &*ports.clock, &*ports.ids)
        };
        match sign_up(ports, command).await {
            // The setting was turned on just now.
            Err(CommandError::Rejected(SignUpRejection::ConfirmationRequired)) => {}
            outcome => {
                return outcome.map(|entry| Joined::OnTheList(entry.into())).map_err(|error| error.map_rejection(JoinRejection::SignUp));
            }
        }
    }
    confirm::request(ports, waitlist, join, ttl).await.map_err(|error| error.map_rejection(JoinRejection::Request))?;
    Ok(Joined::MustConfirm)
}

/// Returns the hash of the network that a form came from.
pub(super) fn network(ports: &Ports, waitlist: &Waitlist, join: &Join) -> Option<NetworkHash> {
    join.origin.map(|origin| ports.links.secret().hash_network_on(waitlist.id, origin))
}

/// Carries a sign-up out. It is tried with another code, if its code is taken.
pub(super) async fn sign_up(ports: &Ports, mut command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
    for _ in 1..CODE_ATTEMPTS {
        match ports.entries.sign_up(command.clone()).await {
            Err(CommandError::Rejected(SignUpRejection::CodeTaken)) => {
                command.own_code = ReferralCode::from_entropy(ports.ids.entropy());
            }
            outcome => return outcome,
        }
    }
    match ports.entries.sign_up(command).await {
        Err(CommandError::Rejected(SignUpRejection::CodeTaken)) => Err(Fault::unexpected("no free referral code was drawn").into()),
        outcome => outcome,
    }
}

/// Refuses an address whose domain takes no mail. If nobody can tell, the address is taken.
async fn check_domain(ports: &Ports, join: &Join) -> Result<(), CommandError<JoinRejection>> {
    let Some(domains) = ports.mail_domains.as_deref() else { return Ok(()) };
    match domains.find(join.profile.email.domain()).await {
        MailDomain::TakesNone => Err(CommandError::Rejected(JoinRejection::NoMailDomain)),
        MailDomain::Takes | MailDomain::Unknown => Ok(()),
    }
}

async fn check_human(ports: &Ports, join: &Join) -> Result<(), CommandError<JoinRejection>> {
    let token = join.captcha_token.as_deref().ok_or(CommandError::Rejected(JoinRejection::CaptchaFailed))?;
    let verifier = ports.humans.as_deref().ok_or_else(|| Fault::unavailable("no captcha verifier is configured"))?;
    match verifier.check(token, join.address).await? {
        Humanity::Human => Ok(()),
        Humanity::NotHuman => Err(CommandError::Rejected(JoinRejection::CaptchaFailed)),
    }
}
