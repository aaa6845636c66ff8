//! Every format with an export in its own form. `fixtures/<format>.csv` is the file, and `fixtures/<format>.txt` is what is read of it.
//! `RALLY_ACCEPT=1` writes the second.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use rally_intake::{Content, Format, Mapping, Plan, Reader, Record, Staging, Survey};
use serde_json::Value;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Reads a file in pieces of a size.
fn read(file: &[u8], size: usize) -> (Plan, Vec<Record>) {
    let (mut staging, mut survey, mut text) = (Staging::new(), Survey::new(None, Mapping::default()), Vec::new());
    for mut piece in file.chunks(size) {
        while !piece.is_empty() {
            let mut out = Vec::new();
            piece = &piece[staging.push(piece, &mut out).unwrap()..];
            survey.push(&out);
            text.extend(out);
        }
    }
    let mut out = Vec::new();
    let staged = staging.finish(&mut out).unwrap();
    survey.push(&out);
    text.extend(out);
    let plan = survey.finish(&staged).unwrap();
    let (mut reader, mut records) = (Reader::new(plan.clone()), Vec::new());
    for piece in text.chunks(size) {
        reader.push(piece);
        records.extend(std::iter::from_fn(|| reader.take()));
    }
    reader.end();
    records.extend(std::iter::from_fn(|| reader.take()));
    (plan, records)
}

/// Writes what was read of a file, a value a line.
fn shown(plan: &Plan, records: &[Record]) -> String {
    let mut text = String::new();
    writeln!(text, "{} {} {:?}", plan.format.name(), plan.encoding.as_str(), plan.separator()).unwrap();
    for column in &plan.columns {
        writeln!(text, "  {} -> {}", column.name, column.field().unwrap_or_else(|| "nothing".to_owned())).unwrap();
    }
    for record in records {
        writeln!(text, "line {}", record.line).unwrap();
        let row = match &record.content {
            Ok(Content::Row(row)) => row,
            Ok(Content::Line(line)) => panic!("a line of an export: {line:?}"),
            Err(problems) => {
                problems.iter().for_each(|problem| writeln!(text, "  problem: {}: {}", problem.column, problem.reason).unwrap());
                continue;
            }
        };
        let suppressed = row.suppressed.map(|reason| reason.as_str());
        writeln!(text, "  {} <{}> {} {suppressed:?}", row.person_name(), row.email, row.status.as_str()).unwrap();
        writeln!(text, "  signed up {:?} at {:?}", row.created_at.map(|at| at.to_string()), row.place).unwrap();
        writeln!(text, "  confirmed {:?}", row.confirmed).unwrap();
        writeln!(text, "  code {:?}, brought {}, by {:?}, is {:?}", row.referral_code, row.referral_count, row.referred_by, row.id)
            .unwrap();
        writeln!(text, "  {:?} {:?} {:?}", row.interest, row.referrer, row.locale).unwrap();
        writeln!(text, "  {}", Value::Object(row.metadata.document().clone())).unwrap();
    }
    text
}

#[test]
fn every_format_reads_its_fixture() {
    for format in Format::all() {
        let file = fs::read(folder().join(format!("{}.csv", format.name()))).unwrap();
        let (plan, records) = read(&file, file.len());
        assert_eq!(plan.format, format);
        assert_eq!(plan.records, records.len() as u64);
        assert_eq!(serde_json::from_str::<Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
        let (shown, path) = (shown(&plan, &records), folder().join(format!("{}.txt", format.name())));
        if std::env::var_os("RALLY_ACCEPT").is_some() {
            fs::write(&path, &shown).unwrap();
        }
        assert_eq!(fs::read_to_string(path).unwrap(), shown, "{}", format.name());
    }
}

#[test]
fn a_file_cut_into_pieces_anywhere_reads_the_same() {
    for format in Format::all() {
        let file = fs::read(folder().join(format!("{}.csv", format.name()))).unwrap();
        let whole = read(&file, file.len());
        for size in 1..20 {
            assert_eq!(read(&file, size), whole, "{} {size}", format.name());
        }
    }
}

#[test]
fn a_file_in_other_encodings_reads_the_same() {
    let file = fs::read_to_string(folder().join("mailchimp.csv")).unwrap();
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(file.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = file.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let expected = read(file.as_bytes(), 100).1;
    for (bytes, encoding) in [(wide, "utf-16le"), (latin, "windows-1252"), (format!("\u{feff}{file}").into_bytes(), "utf-8")] {
        let (plan, mut records) = read(&bytes, 100);
        assert_eq!(plan.encoding.as_str(), encoding);
        // Characters have other lengths, so the places differ.
        records.iter_mut().zip(&expected).for_each(|(record, expected)| record.next = expected.next);
        assert_eq!(records, expected, "{encoding}");
    }
}
