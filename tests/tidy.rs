//! What the repository says of itself: that the tests behind the guarantees exist, that codes are explained, and that whatever is
//! built in comes from one place under licences that allow it.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../README.md");
const LOCK: &str = include_str!("../Cargo.lock");
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Licences that ask for no more than to be named, or to be kept for the files that have them.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

fn sources(folder: &Path, take: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, take);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            take(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn each_source(take: &mut dyn FnMut(&Path, &str)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests"] {
        sources(&root.join(folder), take);
    }
}

/// Names of functions behind `#[test]` or `#[tokio::test]`.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    each_source(&mut |_, text| {
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            } else if let Some(rest) = line.trim_start_matches("async ").strip_prefix("fn ") {
                if is_test {
                    names.insert(rest.split(['(', '<']).next().unwrap().to_owned());
                }
                is_test = false;
            }
        }
    });
    names
}

fn backticked(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_guarantee_names_a_test_that_exists() {
    let table = README.split("\n## Guarantees\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 7, "{rows:#?}");
    let tests = tests();
    for row in rows {
        let last = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap();
        let named = backticked(last);
        assert!(!named.is_empty(), "no test: {row}");
        for name in named {
            assert!(tests.contains(name), "there is no test {name}: {row}");
        }
    }
}

fn codes(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("E3").map(|(at, _)| &text[at..]);
    let codes = starts.filter_map(|rest| rest.get(..4));
    codes.filter(|code| code[1..].bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
}

#[test]
fn every_code_of_a_failure_is_explained_and_none_that_there_is_not() {
    let mut used = BTreeSet::new();
    each_source(&mut |path, text| {
        if path.components().any(|part| part.as_os_str() == "src") {
            let quoted = text.lines().filter(|line| line.contains("\"E3"));
            quoted.for_each(|line| used.extend(codes(line)));
        }
    });
    assert!(used.len() > 20);
    assert_eq!(used, codes(README));
}

/// Whether one of the ways to take a licence is allowed whole.
fn is_allowed(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ");
    licence.split(" AND ").all(|part| {
        part.trim_matches(['(', ')', ' '])
            .split(" OR ")
            .any(|one| LICENCES.contains(&one.trim_matches(['(', ')', ' ']).trim()))
    })
}

#[test]
fn whatever_is_built_in_may_be_and_comes_from_the_registry() {
    let others: Vec<&str> =
        LOCK.lines().filter(|line| line.starts_with("source = ") && !line.contains(REGISTRY)).collect();
    assert_eq!(others, Vec::<&str>::new());

    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| package["name"] != "mare")
        .filter(|package| !package["license"].as_str().is_some_and(is_allowed))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn a_licence_needs_one_way_that_is_allowed() {
    for allowed in ["MIT", "MIT OR GPL-3.0", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in ["GPL-3.0", "MIT AND GPL-3.0", ""] {
        assert!(!is_allowed(refused), "{refused}");
    }
}
