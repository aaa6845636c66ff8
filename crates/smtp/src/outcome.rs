//! The meaning of what happened in an attempt, as one table without I/O.

use rally_domain::mail::MailOutcome;

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Resolves the name, connects, agrees on TLS from the first byte, reads the greeting, says EHLO.
    Open,
    /// Turns TLS on with STARTTLS.
    StartTls,
    /// Logs in.
    LogIn,
    /// Names the sender (MAIL).
    Sender,
    /// Names the recipient (RCPT).
    Recipient,
    /// Asks to send the message (DATA).
    Data,
    /// Sends the message, and waits for the last answer.
    Message,
}

impl Stage {
    /// The words for an operator.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Open => "connecting",
            Self::StartTls => "STARTTLS",
            Self::LogIn => "logging in",
            Self::Sender => "MAIL FROM",
            Self::Recipient => "RCPT TO",
            Self::Data => "DATA",
            Self::Message => "sending the message",
        }
    }
}

/// Enhanced codes that say that a mailbox does not exist or takes no mail at all (RFC 3463, section 3.2 and 3.3; RFC 7505, section 4.1).
const BOUNCES: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

/// The code that the text of a reply begins with (RFC 2034, section 4).
fn enhanced(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Decides what it means that an attempt ended at a stage, with the reply of the server if there was one.
pub(crate) fn outcome(stage: Stage, reply: Option<(u16, &str)>) -> MailOutcome {
    let later = |status| MailOutcome::Failed { status, retry_after: None };
    match (stage, reply) {
        (Stage::Message, Some((200..=299, _))) => MailOutcome::Accepted,
        (_, None) => later(None),
        (Stage::Recipient, Some((status @ 500..=599, text))) if BOUNCES.contains(&enhanced(text)) => MailOutcome::Bounced(status),
        (Stage::Sender | Stage::Recipient | Stage::Data | Stage::Message, Some((status @ 500..=599, _))) => MailOutcome::Refused(status),
        (_, Some((status, _))) => later(Some(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 7] = [Stage::Open, Stage::StartTls, Stage::LogIn, Stage::Sender, Stage::Recipient, Stage::Data, Stage::Message];
    const OF_THE_MAIL: [Stage; 4] = [Stage::Sender, Stage::Recipient, Stage::Data, Stage::Message];

    fn later(status: Option<u16>) -> MailOutcome {
        MailOutcome::Failed { status, retry_after: None }
    }

    #[test]
    fn nothing_is_accepted_but_by_the_last_answer() {
        for stage in STAGES {
            let accepted = stage == Stage::Message;
            assert_eq!(outcome(stage, Some((250, "2.0.0 ok"))) == MailOutcome::Accepted, accepted, "{stage:?}");
            assert_eq!(outcome(stage, Some((354, "go on"))), later(Some(354)), "{stage:?}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_later() {
        for stage in STAGES {
            assert_eq!(outcome(stage, None), later(None), "{stage:?}");
            for status in [421, 450, 451, 452, 454, 471] {
                // An enhanced code that belongs to another class means nothing.
                assert_eq!(outcome(stage, Some((status, "5.1.1 what"))), later(Some(status)), "{stage:?}");
            }
            for status in [500, 502, 530, 535, 550, 554] {
                let refused = outcome(stage, Some((status, "5.7.0 no")));
                let expected = if OF_THE_MAIL.contains(&stage) { MailOutcome::Refused(status) } else { later(Some(status)) };
                assert_eq!(refused, expected, "{stage:?}");
            }
        }
    }

    #[test]
    fn a_mailbox_that_does_not_exist_bounces() {
        for code in BOUNCES {
            let text = format!("{code} <ada@example.com>: no");
            assert_eq!(outcome(Stage::Recipient, Some((550, &text))), MailOutcome::Bounced(550), "{code}");
            assert_eq!(outcome(Stage::Recipient, Some((553, code))), MailOutcome::Bounced(553), "{code}");
            for stage in [Stage::Sender, Stage::Data, Stage::Message] {
                assert_eq!(outcome(stage, Some((550, &text))), MailOutcome::Refused(550), "{code}, {stage:?}");
            }
            assert_eq!(outcome(Stage::Open, Some((554, &text))), later(Some(554)), "{code}");
        }
        for text in
            ["", "no such user", "5.1.0 no", "5.1.11 no", "5.1.8 no", "5.2.2 full", "5.7.1 spam, not 5.1.1", "X5.1.1 no", "5.1.1: no"]
        {
            assert_eq!(outcome(Stage::Recipient, Some((550, text))), MailOutcome::Refused(550), "{text}");
        }
    }
}
