//! Every MUST of a port names the case that checks it, or says that none does; and every case is on the list that stores run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of the crates").to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let rust = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), read(&path))).collect()
}

/// The cases: by module and name, with what they take.
fn cases() -> BTreeMap<String, String> {
    let mut cases = BTreeMap::new();
    for (module, source) in sources(&crates().join("contracts/src")) {
        for function in source.split("\npub async fn ").skip(1) {
            let (name, rest) = function.split_once('(').expect("parameters");
            let parameters = rest.split_once(") {").map_or("", |(parameters, _)| parameters);
            cases.insert(format!("{module}::{name}"), parameters.to_owned());
        }
    }
    cases.retain(|_, parameters| parameters.contains("fixture: &impl "));
    cases
}

/// Items of the lists in doc comments, each as one line.
fn promises(source: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut open = false;
    for line in source.lines().map(str::trim) {
        let text = line.strip_prefix("///").map(str::trim);
        match text {
            Some(text) if text.starts_with("- ") => {
                items.push(text.trim_start_matches("- ").to_owned());
                open = true;
            }
            Some(text) if open && !text.is_empty() => {
                let item = items.last_mut().expect("an open item");
                item.push(' ');
                item.push_str(text);
            }
            _ => open = false,
        }
    }
    items
}

/// Whether a name in backticks is that of a case, rather than a type's.
fn is_case(name: &str) -> bool {
    name.split("::").count() == 2 && name.starts_with(|first: char| first.is_ascii_lowercase())
}

#[test]
fn every_must_of_a_port_names_its_case_or_says_that_it_has_none() {
    let (cases, mut promised, mut unchecked) = (cases(), 0, Vec::new());
    let mut files = sources(&crates().join("domain/src/port"));
    files.insert("ambient".to_owned(), read(&crates().join("domain/src/ambient.rs")));
    for (file, source) in files {
        let promises = promises(&source);
        let musts: usize = promises.iter().map(|promise| promise.matches("MUST").count()).sum();
        let said = source.lines().filter(|line| line.trim().starts_with("///")).map(|line| line.matches("MUST").count()).sum::<usize>();
        assert_eq!(musts, said, "{file}: a MUST stands in no list");
        for promise in promises.iter().filter(|promise| promise.contains("MUST")) {
            promised += 1;
            let named: Vec<&str> = promise.split('`').skip(1).step_by(2).filter(|name| is_case(name)).collect();
            for name in &named {
                assert!(cases.contains_key(*name), "{file}: there is no case {name}");
            }
            match promise.split_once("Not checked: ") {
                Some((_, reason)) => {
                    assert!(named.is_empty() && reason.len() > 20, "{file}: {promise}");
                    unchecked.push(promise.clone());
                }
                None => assert!(!named.is_empty(), "{file}: no case checks that {promise}"),
            }
        }
    }
    assert!(promised > 80 && unchecked.len() < promised / 5, "{promised} promises, of which none checks {unchecked:#?}");
}

#[test]
fn every_case_is_on_the_list_of_its_fixtures() {
    let library = read(&crates().join("contracts/src/each_case.rs"));
    let (_, list) = library.split_once("($kind:ident $fixture:ty) => {").expect("the list");
    let mut listed = BTreeSet::new();
    let mut module = String::new();
    for line in list.lines().map(str::trim) {
        match line.strip_suffix(": [") {
            Some(name) => module = name.to_owned(),
            None if line.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !line.is_empty() => {
                assert!(listed.insert(format!("{module}::{line}")), "{line} is listed twice");
            }
            None => {}
        }
    }
    let of_stores = cases().into_iter().filter(|(_, parameters)| parameters == "fixture: &impl Fixture").map(|(name, _)| name);
    assert_eq!(of_stores.collect::<BTreeSet<_>>(), listed);
}
