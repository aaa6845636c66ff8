//! The file of an export, from the lines of the store.

use std::io;

use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt, stream};
use rally_domain::error::Fault;
use rally_domain::export::{End, Line};
use rally_domain::port::LineStream;

/// Writes the first line, a piece of the file for every batch of lines, and the last line.
pub fn export_file(lines: LineStream) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    stream::unfold(Next::First(lines), async |next| match next {
        Next::First(lines) => Some((Ok::<Bytes, Fault>(Line::first().to_json().into()), Next::More(lines, 1))),
        Next::More(mut lines, written) => Some(match lines.next().await {
            Some(Ok(batch)) => {
                let written = written + batch.len() as u64;
                let piece = batch.iter().flat_map(Line::to_json).collect::<Vec<u8>>();
                (Ok(piece.into()), Next::More(lines, written))
            }
            Some(Err(fault)) => (Err(fault), Next::Over),
            None => (Ok(Line::End(End { lines: written }).to_json().into()), Next::Over),
        }),
        Next::Over => None,
    })
}

enum Next {
    First(LineStream),
    /// How many lines were written.
    More(LineStream, u64),
    Over,
}

/// Writes the file of an export.
///
/// # Errors
/// If the store or the file fails. Then the last line is missing.
pub async fn write_export(lines: LineStream, mut out: impl io::Write) -> io::Result<()> {
    let mut pieces = std::pin::pin!(export_file(lines));
    while let Some(piece) = pieces.next().await {
        out.write_all(&piece.map_err(io::Error::other)?)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_without_its_last_line_was_cut_off() {
        let file = |batches: Vec<Result<Vec<Line>, Fault>>| export_file(Box::pin(stream::iter(batches))).collect::<Vec<_>>();
        let whole: Vec<u8> = file(vec![Ok(vec![Line::first()])]).await.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
        assert!(whole.ends_with(b"{\"type\":\"end\",\"lines\":2}\n"));
        let cut = file(vec![Ok(Vec::new()), Err(Fault::unavailable("gone"))]).await;
        assert!(cut.len() == 3 && cut[2].is_err());
    }
}
