//! Checks the crates against the arrows of the architecture, and the documents against the code.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Which of our crates a crate may depend on, tests left out.
const ARROWS: &[(&str, &[&str])] = &[
    ("rally-domain", &[]),
    ("rally-contracts", &["rally-domain"]),
    ("rally-memory", &["rally-domain"]),
    ("rally-group-commit", &[]),
    ("rally-postgres", &["rally-domain", "rally-group-commit"]),
    ("rally-sqlite", &["rally-domain", "rally-group-commit"]),
    ("rally-store-copy", &["rally-postgres"]),
    ("rally-upstream", &["rally-domain"]),
    ("rally-webhooks", &["rally-domain", "rally-upstream"]),
    ("rally-envoi", &["rally-domain", "rally-upstream"]),
    ("rally-heimdall", &["rally-domain", "rally-upstream"]),
    ("rally-captcha", &["rally-domain", "rally-upstream"]),
    ("rally-smtp", &["rally-domain"]),
    ("rally-mx", &["rally-domain"]),
    ("rally-pages", &["rally-domain"]),
    ("rally-console", &["rally-domain", "rally-pages"]),
    ("rally-intake", &["rally-domain"]),
    ("rally-proof", &["rally-domain"]),
    ("rally-fakes", &["rally-contracts"]),
    ("rally-bench", &[]),
    ("rally-pgtest", &[]),
    (
        "rally-api",
        &[
            "rally-captcha",
            "rally-console",
            "rally-domain",
            "rally-envoi",
            "rally-heimdall",
            "rally-intake",
            "rally-mx",
            "rally-pages",
            "rally-postgres",
            "rally-proof",
            "rally-smtp",
            "rally-sqlite",
            "rally-store-copy",
            "rally-webhooks",
        ],
    ),
    ("rally-tests", &["rally-api", "rally-contracts", "rally-domain", "rally-fakes", "rally-pgtest"]),
];

/// What the domain must never reach, by any way.
const NOT_IN_THE_DOMAIN: &[&str] =
    &["actix-web", "diesel", "tokio", "reqwest", "hyper", "rand", "getrandom", "sqlx", "rustls", "jsonwebtoken", "tracing", "metrics"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().other_options(["--offline".to_owned()]).exec().unwrap()
}

#[test]
fn the_arrows_point_inwards() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    assert_eq!(ours, ARROWS.iter().map(|(name, _)| *name).collect());
    for package in metadata.workspace_packages() {
        let allowed = ARROWS.iter().find(|(name, _)| *name == package.name.as_str()).unwrap().1;
        for dependency in &package.dependencies {
            if dependency.kind == DependencyKind::Normal && ours.contains(dependency.name.as_str()) {
                assert!(allowed.contains(&dependency.name.as_str()), "{} must not depend on {}", package.name, dependency.name);
            }
        }
    }
}

#[test]
fn the_domain_reaches_no_framework() {
    let arguments = ["tree", "--offline", "-p", "rally-domain", "-e", "normal", "--prefix", "none", "--format", "{p}"];
    let tree = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let reached: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(reached.contains("rally-domain"), "{tree}");
    for name in NOT_IN_THE_DOMAIN {
        assert!(!reached.contains(name), "the domain reaches {name}");
    }
}

#[test]
fn every_crate_inherits_the_lints() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} does not inherit the lints", package.name);
    }
}

#[test]
fn both_stores_have_the_same_migrations() {
    let names = |store: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root().join("migrations").join(store)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("postgres"), names("sqlite"));
    assert!(names("sqlite").len() > 10);
    for store in ["postgres", "sqlite"] {
        for name in names(store) {
            for step in ["up.sql", "down.sql"] {
                assert!(root().join("migrations").join(store).join(&name).join(step).exists(), "{store}/{name} has no {step}");
            }
        }
    }
}

#[test]
fn every_setting_is_documented() {
    let files = std::fs::read_dir(root().join("crates/api/src/boot/config")).unwrap();
    let code: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let document = std::fs::read_to_string(root().join("docs/CONFIGURATION.md")).unwrap();
    let settings: BTreeSet<&str> = code.split("env = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(settings.len() > 10);
    for setting in settings {
        assert!(document.contains(&format!("`{setting}`")), "docs/CONFIGURATION.md does not say what {setting} is");
    }
}
