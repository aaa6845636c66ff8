//! The public surface: what anybody can call from a page.

pub mod info;
pub mod leaderboard;
pub mod sign_up;
