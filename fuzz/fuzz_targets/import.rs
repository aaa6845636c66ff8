//! Files of an import: any bytes give the same records in one piece and byte by byte, and a reading that goes on gives the rest of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rally_intake::{Mapping, Reader, Record, Staging, Survey};

fn rest(reader: &mut Reader) -> Vec<Record> {
    std::iter::from_fn(|| reader.take()).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let (mut staging, mut survey, mut text) = (Staging::with_limit(1 << 20), Survey::new(None, Mapping::default()), Vec::new());
    let mut left = bytes;
    while !left.is_empty() {
        let Ok(taken) = staging.push(left, &mut text) else { return };
        left = &left[taken..];
    }
    let Ok(staged) = staging.finish(&mut text) else { return };
    survey.push(&text);
    let Ok(plan) = survey.finish(&staged) else { return };

    let mut reader = Reader::new(plan.clone());
    reader.push(&text);
    reader.end();
    let whole = rest(&mut reader);
    assert_eq!(whole.len() as u64, plan.records);

    let (mut reader, mut records) = (Reader::new(plan.clone()), Vec::new());
    for byte in text.chunks(1) {
        reader.push(byte);
        records.extend(rest(&mut reader));
    }
    reader.end();
    records.extend(rest(&mut reader));
    assert_eq!(records, whole);

    if let Some(middle) = whole.get(whole.len() / 2) {
        let mut reader = Reader::resume(plan, middle.next);
        reader.push(&text[middle.next.offset as usize..]);
        reader.end();
        assert_eq!(rest(&mut reader), whole[whole.len() / 2 + 1..]);
    }
});
