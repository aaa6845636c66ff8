//! The public surface: routes without a token.

pub mod challenge;
pub mod info;
pub mod leaderboard;
pub mod lost_link;
pub mod sign_up;
