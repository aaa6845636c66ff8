//! Prints how fast a file is read: `cargo run --release -p rally-intake --example speed [ROWS]`.

use std::io::{self, Write};
use std::time::Instant;

use rally_intake::{Mapping, Reader, Staging, Survey};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    let mut file = b"Email Address,First Name,Last Name,Company,Signup Date,Referral Code,Referred By\n".to_vec();
    for row in 0..rows {
        let referrer = if row % 3 == 0 { String::new() } else { format!("code-{}", row / 3) };
        let (day, hour) = (1 + row % 28, row % 24);
        writeln!(
            file,
            "person{row}@example.com,Ada,\"O\"\"Hara {row}\",\"Acme, {row}\",2024-03-{day:02} {hour:02}:00:00,code-{row},{referrer}"
        )?;
    }
    let megabytes = file.len() / 1_000_000;

    let started = Instant::now();
    let (mut staging, mut survey, mut text) = (Staging::new(), Survey::new(None, Mapping::default()), Vec::new());
    for mut piece in file.chunks(64 * 1024) {
        while !piece.is_empty() {
            let before = text.len();
            piece = &piece[staging.push(piece, &mut text)?..];
            survey.push(&text[before..]);
        }
    }
    let before = text.len();
    let staged = staging.finish(&mut text)?;
    survey.push(&text[before..]);
    let plan = survey.finish(&staged)?;
    let surveyed = started.elapsed();

    let started = Instant::now();
    let (mut reader, mut read, mut broken) = (Reader::new(plan), 0_u64, 0_u64);
    for piece in text.chunks(64 * 1024) {
        reader.push(piece);
        while let Some(record) = reader.take() {
            read += 1;
            broken += u64::from(record.content.is_err());
        }
    }
    reader.end();
    while let Some(record) = reader.take() {
        read += 1;
        broken += u64::from(record.content.is_err());
    }
    let took = started.elapsed();
    let rate = read as f64 / took.as_secs_f64();
    writeln!(
        io::stdout(),
        "{megabytes} MB: staged and surveyed in {surveyed:.1?}; {read} rows ({broken} broken) read in {took:.1?}, {rate:.0} a second"
    )?;
    Ok(())
}
