//! An error and its causes in one line.

use std::error::Error;

/// Writes an error and all its causes in one line. A cause that an error has told already is left out.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !line.contains(&told) {
            line = format!("{line}: {told}");
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the service is unavailable: {0}")]
    struct Told(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("no mail")]
    struct Silent(#[source] Told);

    #[test]
    fn every_cause_is_told_once() {
        let told = || Told(io::Error::other("no such file"));
        assert_eq!(chain(&told()), "the service is unavailable: no such file");
        assert_eq!(chain(&Silent(told())), "no mail: the service is unavailable: no such file");
    }
}
