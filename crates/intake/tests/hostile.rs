//! Files that nobody would send with good intent, or after a look at them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rally_intake::{
    Confirmed, Content, Format, MAX_RECORD, Mapping, Mark, Plan, PlanError, Question, Reader, Record, ReferrerKey, Row, Staged, Staging,
    Survey,
};

/// Stages and surveys a file. Returns the plan and the staged text.
fn survey(file: &[u8], format: &str, mapping: &[(&str, &str)]) -> Result<(Plan, Vec<u8>), PlanError> {
    let mapping = Mapping::parse(mapping.iter().copied()).unwrap();
    let (mut staging, mut survey, mut text) = (Staging::new(), Survey::new(Format::parse(format).unwrap(), mapping), Vec::new());
    let mut rest = file;
    while !rest.is_empty() {
        let mut out = Vec::new();
        rest = &rest[staging.push(rest, &mut out).unwrap()..];
        survey.push(&out);
        text.extend(out);
    }
    let mut out = Vec::new();
    let staged: Staged = staging.finish(&mut out).unwrap();
    survey.push(&out);
    text.extend(out);
    Ok((survey.finish(&staged)?, text))
}

fn plan(file: &str) -> Result<Plan, PlanError> {
    survey(file.as_bytes(), "auto", &[]).map(|(plan, _)| plan)
}

fn records(file: &[u8]) -> Vec<Record> {
    let (plan, text) = survey(file, "auto", &[]).unwrap();
    let mut reader = Reader::new(plan);
    reader.push(&text);
    reader.end();
    std::iter::from_fn(|| reader.take()).collect()
}

/// Returns a line for each record: its address, or its problems.
fn told(file: impl AsRef<[u8]>) -> Vec<String> {
    let tell = |record: Record| match record.content {
        Ok(Content::Row(row)) => format!("{} {}", record.line, row.email),
        Ok(Content::Line(_)) => format!("{} a line", record.line),
        Err(problems) => {
            assert!(problems.iter().all(|problem| problem.line == record.line));
            let told: Vec<String> = problems.into_iter().map(|problem| format!("{}: {}", problem.column, problem.reason)).collect();
            format!("{} {}", record.line, told.join("; "))
        }
    };
    records(file.as_ref()).into_iter().map(tell).collect()
}

#[test]
fn a_file_without_people_says_so() {
    assert_eq!(plan(""), Err(PlanError::Empty));
    assert_eq!(plan("\u{feff}"), Err(PlanError::Empty));
    assert_eq!(plan("\n \r\n,,\n"), Err(PlanError::Empty));
    assert_eq!(plan("[{\"email\": \"a@example.com\"}]"), Err(PlanError::Array));
    assert_eq!(plan("ada@example.com\nbob@example.com\n"), Err(PlanError::NoHeader));
    assert_eq!(plan("name,age\nAda,36\n"), Err(PlanError::NoAddresses));
    assert!(matches!(plan("\"name\nada@example.com\n"), Err(PlanError::Header(_))));
    assert!(matches!(survey(b"\x00\x01\x02\x03\x80\x81\xFE\xFF\x00\x10binary", "auto", &[]), Err(PlanError::NoAddresses)));
    assert_eq!(plan("email,name").map(|plan| plan.records), Ok(0));
    assert_eq!(plan("email,name\r\n").map(|plan| plan.records), Ok(0));
}

#[test]
fn a_broken_row_is_a_problem_and_the_next_one_is_read() {
    let file = [
        "email,name",
        "ada@example.com,Ada",
        "broken",
        "bob@example.com,Bob,more",
        "\"eve@example.com,Eve",
        "cy@example.com,\"C\"y",
        "not an address,X",
        ",",
        "dan@example.com,\"two",
        "lines\"",
        "fay@example.com,Fay,",
    ];
    let file = file.join("\n");
    assert_eq!(
        told(&file),
        [
            "2 ada@example.com",
            "3 email: must be an e-mail address",
            "4 : the row has 3 cells, and the header has 2",
            "5 : a quote is closed in the middle of a cell; write a quote inside of a cell twice",
            "6 : a quote is closed in the middle of a cell; write a quote inside of a cell twice",
            "7 email: must be an e-mail address",
            "9 dan@example.com",
            "11 fay@example.com",
        ]
    );
}

#[test]
fn bytes_of_another_encoding_cost_one_row() {
    let file = [&b"email,name\na@example.com,J\xC3\xB6rg\nb@example.com,J\xF6rg\nc@example.com,J\xC3\xB6rg\n"[..]].concat();
    assert_eq!(told(file), ["2 a@example.com", "3 name: is not valid UTF-8", "4 c@example.com"]);
    let forbidden = "name: must not contain control characters or bidirectional overrides";
    assert_eq!(
        told("email,name\na@example.com,A\0b\n\0@example.com,\n"),
        [format!("2 {forbidden}"), "3 email: must be an e-mail address".to_owned()]
    );
}

#[test]
fn a_record_that_is_too_long_costs_itself() {
    let long = "x".repeat(MAX_RECORD);
    for file in [
        format!("email,name\n{long},a\nb@example.com,B\n"),
        format!("email,name\n\"{long},a\nb@example.com,B\n"),
        format!("{{\"email\":\"{long}\"}}\n{{\"email\":\"b@example.com\"}}\n"),
    ] {
        let told = told(&file);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].ends_with(" b@example.com"));
    }
}

#[test]
fn objects_are_rows_too() {
    let file = [
        r#"{"Email":"ada@example.com","seats":3,"tags":["a"],"verified":true}"#,
        "",
        r#"{"Email":"bob@example.com","seats":null}"#,
        r#"{"Email":"#,
        "[1]",
        r#"{"Email":{}}"#,
    ];
    let file = file.join("\n");
    assert_eq!(
        told(&file),
        [
            "1 ada@example.com",
            "3 bob@example.com",
            "4 : is not a JSON object; it breaks at character 9",
            "5 : is not a JSON object of the form that is expected here",
            "6 Email: must be a text or a number",
        ]
    );
    let Ok(Content::Row(row)) = &records(file.as_bytes())[0].content else { panic!() };
    assert_eq!(serde_json::to_string(row.metadata.document()).unwrap(), "{\"seats\":3,\"tags\":[\"a\"],\"verified\":true}");
    let deep = format!("{{\"Email\":\"a@example.com\"}}\n{}\n", "[".repeat(100_000));
    assert_eq!(told(deep).len(), 2);
}

/// Returns the rows of a file, as a format and a mapping read them.
fn rows(file: &str, format: &str, mapping: &[(&str, &str)]) -> Vec<Row> {
    let (plan, text) = survey(file.as_bytes(), format, mapping).unwrap();
    let mut reader = Reader::new(plan);
    reader.push(&text);
    reader.end();
    let row = |record: Record| match record.content.unwrap() {
        Content::Row(row) => *row,
        Content::Line(_) => panic!("no export"),
    };
    std::iter::from_fn(|| reader.take()).map(row).collect()
}

#[test]
fn a_row_without_its_last_cells_has_empty_ones() {
    assert_eq!(told("email,name,plan\na@example.com\nb@example.com,B\nc@example.com,C,x,y\n")[..2], ["2 a@example.com", "3 b@example.com"]);
    let full = told("email,name,plan\nc@example.com,C,x,y\n");
    assert_eq!(full, ["2 : the row has 4 cells, and the header has 3"]);
}

#[test]
fn the_first_line_of_a_spreadsheet_names_the_separator() {
    for (file, separator) in [
        ("sep=;\r\nemail;name\r\na@example.com;A,B\r\n", ';'),
        ("\u{feff}SEP=,\nemail,a;b\na@example.com,x;y\n", ','),
        ("\"sep=\t\"\nemail\tname\na@example.com\tA\n", '\t'),
    ] {
        assert_eq!((plan(file).unwrap().separator(), plan(file).unwrap().records), (Some(separator), 1), "{file}");
        assert_eq!(told(file), ["3 a@example.com"]);
    }
    assert_eq!(plan("sep=;\n"), Err(PlanError::Empty));
    assert_eq!(plan("sep=;x,email\n1,a@example.com\n").unwrap().columns[0].name, "sep=;x");
}

#[test]
fn headers_are_known_however_their_words_are_joined() {
    let file = "eMail,firstName,lastName,createdAt,referralCode,referredBy\na@example.com,Ada,L,2024-03-01,x,b@example.com\n";
    let row = rows(file, "auto", &[]).remove(0);
    assert_eq!((row.person_name().as_str(), row.referral_code.as_deref()), ("Ada L", Some("x")));
    assert!(row.created_at.is_some() && row.referred_by.is_some() && row.metadata.document().is_empty());
    let mapped = rows("mail,workTitle\na@example.com,Boss\n", "auto", &[("Work title", "metadata.title")]).remove(0);
    assert_eq!(mapped.metadata.document()["title"], "Boss");
}

#[test]
fn every_format_knows_the_usual_names_too() {
    let link = "https://example.com/?r=abc";
    let file = format!("Email,Status,Applied At,Referral Link,Referred By\na@example.com,applied,2024-03-01,{link},b@example.com\n");
    let row = rows(&file, "auto", &[]).remove(0);
    assert_eq!((row.referral_code.as_deref(), row.referred_by.is_some()), (Some("abc"), true));
    // The names of the format come first.
    let file = "email,applied_at,created_at\na@example.com,2024-03-01,2025-01-01\n";
    let row = rows(file, "prefinery", &[]).remove(0);
    assert_eq!(
        (row.created_at.unwrap().to_string().as_str(), &row.metadata.document()["created_at"]),
        ("2024-03-01T00:00:00.000Z", &"2025-01-01".into())
    );
}

#[test]
fn columns_are_mapped_to_parts_of_a_name_or_to_nothing() {
    let file = "email,name,Vorname,Nachname,Weg,More,Raus\na@example.com,nick,Ada,Lovelace,x,\"{\"\"n\"\": 1}\",ja\n";
    let mapping = [("Vorname", "first_name"), ("Nachname", "last_name"), ("Weg", "ignore"), ("Raus", "ignore"), ("More", "metadata")];
    let (plan, _) = survey(file.as_bytes(), "auto", &mapping).unwrap();
    let fields: Vec<_> = plan.columns.iter().filter_map(|column| column.field()).collect();
    assert_eq!(fields, ["email", "metadata.name", "first_name", "last_name", "metadata"]);
    let row = rows(file, "auto", &mapping).remove(0);
    assert_eq!(row.person_name().as_str(), "Ada Lovelace");
    assert_eq!(serde_json::to_string(row.metadata.document()).unwrap(), "{\"n\":1,\"name\":\"nick\"}");
    let broken = [b"email,x\na@example.com,", &b"\xF6 and \xC3\xB6\n"[..]].concat();
    let (plan, text) = survey(&broken, "auto", &[("x", "ignore")]).unwrap();
    let mut reader = Reader::new(plan);
    reader.push(&text);
    reader.end();
    assert!(reader.take().unwrap().content.is_ok(), "nothing of the column is read");
    let row = rows("email,Abgemeldet\na@example.com,yes\n", "auto", &[("Abgemeldet", "unsubscribed")]).remove(0);
    assert!(row.suppressed.is_some());
}

#[test]
fn columns_answer_the_questions_of_the_list() {
    let question = |key: &str, label: Option<&str>| Question { key: key.to_owned(), label: label.map(str::to_owned) };
    let questions = vec![
        question("team_size", Some("How many are you?")),
        question("company", None),
        question("use_case", Some("What for?")),
        question("name", Some("Plan")),
    ];
    let file = b"email,Name,Team size,Company,company,what for,Plan,Other\na@example.com,A,6,x,y,z,p,o\n";
    let fields = |mapping: &[(&str, &str)]| {
        let mut survey = Survey::new(None, Mapping::parse(mapping.iter().copied()).unwrap()).asking(questions.clone());
        survey.push(file);
        let staged = Staged { encoding: rally_intake::Encoding::Utf8, byte_order_mark: false, bytes: file.len() as u64 };
        survey.finish(&staged).unwrap().columns.iter().filter_map(|column| column.field()).collect::<Vec<_>>()
    };
    let answers = ["metadata.team_size", "metadata.Company", "metadata.company", "metadata.use_case", "metadata.name", "metadata.Other"];
    assert_eq!(fields(&[]), [&["email", "name"][..], &answers].concat());
    assert_eq!(fields(&[("Team size", "metadata.Team size")])[2], "metadata.Team size", "a caller decides");
}

#[test]
fn a_mapping_goes_before_the_format() {
    let file = b"email,work,when,sharer,beta code\nx,ada@example.com,31/12/2023,bob@example.com,Abc\ny,bob@example.com,01/02/2024,,\n";
    let mapping =
        [("work", "email"), ("when", "created_at"), ("sharer", "referred_by"), ("Beta Code", "referral_code"), ("email", "metadata.nick")];
    let (plan, text) = survey(file, "generic", &mapping).unwrap();
    let fields: Vec<_> = plan.columns.iter().map(|column| column.field().unwrap()).collect();
    assert_eq!(fields, ["metadata.nick", "email", "created_at", "referred_by", "referral_code"]);
    let rows = rows(std::str::from_utf8(&text).unwrap(), "generic", &mapping);
    assert_eq!((rows[0].referral_code.as_deref(), rows[0].confirmed), (Some("Abc"), Confirmed::No));
    assert!(matches!(&rows[0].referred_by, Some(ReferrerKey::Address(email)) if email.as_str() == "bob@example.com"));
    assert_eq!(rows[1].created_at.unwrap().to_string(), "2024-02-01T00:00:00.000Z");
    assert_eq!(rows[1].metadata.document()["nick"], "y");
    assert_eq!(survey(file, "auto", &[("phone", "metadata.tel")]).unwrap_err(), PlanError::NoColumn("phone".into()));
    assert_eq!(survey(b"{\"a\":1}\n", "auto", &[("b", "email")]).unwrap_err(), PlanError::NoColumn("b".into()));
}

#[test]
fn a_separator_is_the_one_that_gives_one_number_of_cells() {
    for (file, separator) in [
        ("email,name\na@example.com,\"A;B\"\n", ','),
        ("email;name\na@example.com;\"A,B\"\nb@example.com;C, D\n", ';'),
        ("email\tname, first\na@example.com\tA, B\n", '\t'),
        ("email\na@example.com\n", ','),
        ("email;name;x\na@example.com;A\n", ';'),
        ("\"email\",\"name; age; town\"\na@example.com,A\n", ','),
    ] {
        assert_eq!(plan(file).unwrap().separator(), Some(separator), "{file}");
    }
}

#[test]
fn headers_that_are_empty_or_twice_have_names() {
    let plan = plan("email,,x,x, y\u{0} \na@example.com,1,2,3,4\n").unwrap();
    let names: Vec<&str> = plan.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["email", "column_2", "x", "x_4", "y"]);
}

#[test]
fn a_reading_goes_on_behind_every_record() {
    let file = "email,name\r\n\"a@example.com\",\"x\r\ny\"\r\n\"broken\"\"\r\nb@example.com,B\r\n\r\nc@example.com,C";
    let (plan, text) = survey(file.as_bytes(), "auto", &[]).unwrap();
    let plan: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    let whole = records(file.as_bytes());
    assert_eq!(whole.iter().map(|record| record.line).collect::<Vec<_>>(), [2, 4, 5, 7]);
    for (index, record) in whole.iter().enumerate() {
        let mark: Mark = serde_json::from_str(&serde_json::to_string(&record.next).unwrap()).unwrap();
        let mut reader = Reader::resume(plan.clone(), mark);
        reader.push(&text[usize::try_from(mark.offset).unwrap()..]);
        reader.end();
        let rest: Vec<Record> = std::iter::from_fn(|| reader.take()).collect();
        assert_eq!(rest, whole[index + 1..]);
    }
}

#[test]
fn many_problems_are_told_one_by_one() {
    let piece = "nobody,\n".repeat(1000);
    let staged = Staged { encoding: rally_intake::Encoding::Utf8, byte_order_mark: false, bytes: 0 };
    let mut survey = Survey::new(None, Mapping::default());
    survey.push(b"email,name\n");
    (0..100).for_each(|_| survey.push(piece.as_bytes()));
    let plan = survey.finish(&staged).unwrap();
    assert_eq!(plan.records, 100_000);
    let (mut reader, mut problems) = (Reader::new(plan), 0_u64);
    reader.push(b"email,name\n");
    for _ in 0..100 {
        reader.push(piece.as_bytes());
        while let Some(record) = reader.take() {
            problems += record.content.unwrap_err().len() as u64;
        }
    }
    reader.end();
    assert_eq!((problems, reader.mark().line, reader.take().is_none()), (100_000, 100_002, true));
}

/// Files in which everything that matters happens.
fn files() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "(sep=[,;]\r?\n)?(email|mail|\u{feff}email),name(,created_at)?\r?\n(([ab]@(c|é)\\.de|[a\"é]{0,3})[,;\t]?[ab\",;\r\n]{0,6}[,\n]){0,12}"
            .prop_map(String::into_bytes),
        "(\\{\"email\":\"a@b\\.de\",?(\"x\":[0-9]{0,2})?\\}?\r?\n?){0,8}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..120),
    ]
}

proptest! {
    #[test]
    fn any_file_reads_the_same_in_pieces_and_goes_on_anywhere(file in files(), size in 1..9_usize) {
        let Ok((plan, text)) = survey(&file, "auto", &[]) else { return Ok(()) };
        let drain = |reader: &mut Reader| std::iter::from_fn(|| reader.take()).collect::<Vec<_>>();
        let mut reader = Reader::new(plan.clone());
        reader.push(&text);
        reader.end();
        let whole = drain(&mut reader);
        prop_assert_eq!(whole.len() as u64, plan.records);

        let (mut reader, mut records) = (Reader::new(plan.clone()), Vec::new());
        for piece in text.chunks(size) {
            reader.push(piece);
            records.extend(drain(&mut reader));
        }
        reader.end();
        records.extend(drain(&mut reader));
        prop_assert_eq!(&records, &whole);

        for (index, record) in whole.iter().enumerate() {
            let mut reader = Reader::resume(plan.clone(), record.next);
            reader.push(&text[usize::try_from(record.next.offset).unwrap()..]);
            reader.end();
            prop_assert_eq!(drain(&mut reader), &whole[index + 1..]);
        }
    }
}

/// A header whose end never comes is refused once it is too long.
#[test]
fn an_endless_header_is_refused_while_it_arrives() {
    let mut survey = Survey::new(None, Mapping::default());
    survey.push(&vec![b'a'; 1 << 20]);
    assert_eq!(survey.refused(), None);
    survey.push(&vec![b'a'; 1 << 20]);
    assert!(matches!(survey.refused(), Some(PlanError::Header(_))));
}
