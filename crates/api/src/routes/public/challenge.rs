//! The challenges that sign-ups of a list solve.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use rally_domain::error::Fault;
use rally_domain::proof_of_work::{Proof, ProofOfWork};
use rally_domain::use_case::join::JoinRejection;
use rally_domain::waitlist::Waitlist;
use rally_proof::Difficulty;

use crate::app::App;
use crate::http::error::{AnyFailure, ApiError, Code, ErrorBody};
use crate::http::extract::public_list::NamedWaitlist;
use crate::http::pace::Turn;
use crate::routes::schema::ChallengeSchema;

/// Get a challenge
///
/// It has the form of ALTCHA v2, so that its widget and its libraries solve it. A sign-up sends the solution as `proof_of_work`. A
/// challenge can be used for 10 minutes, once.
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "get_challenge", params(NamedWaitlist),
    responses(
        (status = 200, description = "A challenge.", body = ChallengeSchema),
        (status = 404, description = "There is no such waitlist, it is not active, or it never asks for a proof of work \
            (`proof_of_work_off`).", body = ErrorBody),
        AnyFailure,
    ),
)]
#[get("/challenge")]
pub async fn challenge(app: web::Data<App>, named: NamedWaitlist) -> Result<HttpResponse, ApiError> {
    let waitlist = named.active()?;
    let taken = match waitlist.settings.proof_of_work {
        ProofOfWork::Off => return Err(ApiError::new(Code::ProofOfWorkOff, "this waitlist asks for no proof of work")),
        ProofOfWork::On => 0,
        ProofOfWork::Auto => app.paces.of(waitlist.id).await?,
    };
    let (now, chance) = (app.ports.clock.now(), app.ports.ids.entropy());
    let challenge = app.challenges.make(waitlist.id, Difficulty::of(taken), now, chance)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(challenge))
}

/// What a list needs of a sign-up: the turn, if it counts them, and the proof, if it asks for one.
#[derive(Default)]
pub(super) struct Work {
    pub(super) turn: Option<Turn>,
    pub(super) proof: Option<Proof>,
}

impl Work {
    /// Checks the solution that came with a sign-up. A solution that nobody asked for is ignored.
    ///
    /// # Errors
    /// If the list asks for a proof of work now, and the solution is none.
    pub(super) async fn of(app: &App, waitlist: &Waitlist, solution: Option<&str>) -> Result<Self, ApiError> {
        let choice = waitlist.settings.proof_of_work;
        let turn = if choice == ProofOfWork::Auto { Some(app.paces.begin(waitlist.id).await?) } else { None };
        if !choice.asks(turn.as_ref().map_or(0, |turn| turn.before)) {
            return Ok(Self { turn, proof: None });
        }
        let failed = |reason: String| ApiError::new(Code::ProofOfWorkFailed, reason);
        let solution = solution.ok_or(JoinRejection::ProofMissing)?;
        let proof = app.challenges.check(waitlist.id, solution, app.ports.clock.now());
        Ok(Self { turn, proof: Some(proof.map_err(|error| failed(error.to_string()))?) })
    }

    /// Says that the list took the sign-up.
    pub(super) fn taken(&self) {
        self.turn.iter().for_each(Turn::taken);
    }
}

/// Whether a list asks for a proof of work now.
///
/// # Errors
/// If the store has a fault.
pub(in crate::routes) async fn asks_now(app: &App, waitlist: &Waitlist) -> Result<bool, Fault> {
    let choice = waitlist.settings.proof_of_work;
    let taken = if choice == ProofOfWork::Auto { app.paces.of(waitlist.id).await? } else { 0 };
    Ok(choice.asks(taken))
}
