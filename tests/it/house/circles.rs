//! No circle between the files of a folder: what two of them need is in a third.
//!
//! A folder below counts as one with the file of its name. `mod.rs` is the door of its folder: it may use whatever is
//! behind it, and they may use what it offers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, fail_if_any, is_test, segment, sources, without_tests};

/// Circles that there are: folder, and the files that are or may come to be in it. One that is mended goes from here.
const KNOWN: &[(&str, &[&str])] = &[];

type Path = Vec<String>;
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The module of a file: `src/a/mod.rs` and `src/a.rs` are `a`.
fn module(path: &str) -> Path {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    path.split('/').filter(|part| !["lib", "main"].contains(part)).map(str::to_owned).collect()
}

/// Every path of a use tree: `a::{b, c::d}` is `a::b` and `a::c::d`. Gives what follows the tree.
fn tree<'t>(text: &'t str, before: &Path, found: &mut Vec<Path>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let after = tree(rest, before, found);
            if after.len() == rest.len() {
                return rest;
            }
            rest = after;
        }
    }
    let Some(name) = segment(text) else {
        found.push(before.clone());
        return text.strip_prefix('*').unwrap_or(text);
    };
    let mut path = before.clone();
    let rest = &text[name.len()..];
    path.push(name);
    if let Some(deeper) = rest.strip_prefix("::") {
        return tree(deeper, &path, found);
    }
    found.push(path);
    match rest.trim_start().strip_prefix("as ") {
        Some(alias) => alias.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => rest,
    }
}

/// What the code of module `here` names by `crate::`, `self::` and `super::`, as whole paths.
fn named(text: &str, here: &Path) -> Vec<Path> {
    let mut found = Vec::new();
    for root in ["crate::", "self::", "super::"] {
        for (at, _) in text.match_indices(root) {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || ['_', '$', ':'].contains(&before) {
                continue;
            }
            let base: Path = match root {
                "crate::" => Vec::new(),
                "self::" => here.clone(),
                _ => here[..here.len().saturating_sub(1)].to_vec(),
            };
            tree(&text[at + root.len()..], &base, &mut found);
        }
    }
    found.into_iter().map(|path| without_steps(&path)).collect()
}

/// The same path without `super` and `self` in it.
fn without_steps(path: &Path) -> Path {
    let mut out = Path::new();
    for part in path {
        match part.as_str() {
            "super" => {
                out.pop();
            }
            "self" => {}
            _ => out.push(part.clone()),
        }
    }
    out
}

/// For each folder, which of its files uses which.
fn graphs(sources: &[Source]) -> BTreeMap<String, Graph> {
    let code: Vec<_> = sources.iter().filter(|s| s.path.starts_with("src/") && !is_test(&s.path, sources)).collect();
    let modules: BTreeSet<Path> = code.iter().map(|source| module(&source.path)).collect();
    let mut graphs: BTreeMap<String, Graph> = BTreeMap::new();
    for source in code {
        let from = module(&source.path);
        for path in named(&without_tests(&source.text), &from) {
            let to = (0..=path.len()).rev().map(|n| &path[..n]).find(|path| modules.contains(*path));
            let Some(to) = to else { continue };
            let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
            // The root's folders have a table of their own.
            if let (Some(a), Some(b), 1..) = (from.get(shared), to.get(shared), shared) {
                let folder = graphs.entry(from[..shared].join("/")).or_default();
                folder.entry(a.clone()).or_default().insert(b.clone());
            }
        }
    }
    graphs
}

/// What can be reached from `start`.
fn reached(graph: &Graph, start: &str) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![start.to_owned()]);
    while let Some(at) = open.pop() {
        for next in graph.get(&at).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}

/// The circles of a graph, each as the names in it.
fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let reach: BTreeMap<&String, BTreeSet<String>> = graph.keys().map(|name| (name, reached(graph, name))).collect();
    let circle = |name: &String| {
        let both =
            |other: &&String| reach[name].contains(*other) && reach.get(*other).is_some_and(|r| r.contains(name));
        reach.keys().copied().filter(both).cloned().collect::<Vec<_>>()
    };
    graph.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn files_of_a_folder_do_not_use_each_other_in_circles() {
    let graphs = graphs(&sources());
    let found: Vec<(&String, Vec<String>)> = graphs
        .iter()
        .flat_map(|(folder, graph)| circles(graph).into_iter().map(move |names| (folder, names)))
        .collect();
    let is_in = |names: &[String], known: &[&str]| names.iter().all(|name| known.contains(&name.as_str()));
    let covers =
        |(place, known): &(&str, &[&str]), folder: &str, names: &[String]| *place == folder && is_in(names, known);
    let new: Vec<String> = found
        .iter()
        .filter(|(folder, names)| !KNOWN.iter().any(|known| covers(known, folder, names)))
        .map(|(folder, names)| format!("{folder}: {}", names.join(", ")))
        .collect();
    fail_if_any("files that use each other in a circle: what they share belongs into a third", &new);
    let mended: Vec<String> = KNOWN
        .iter()
        .filter(|known| !found.iter().any(|(folder, names)| covers(known, folder, names)))
        .map(|(folder, names)| format!("{folder}: {}", names.join(", ")))
        .collect();
    fail_if_any("circles that are no more: take them out of this test", &mended);
}

#[test]
fn a_circle_is_found_whatever_way_it_is_written() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let made = [
        source("src/a/mod.rs", "mod one; mod two; mod three; use two::T;"),
        source("src/a/one.rs", "use super::two::{self, T};"),
        source("src/a/two/mod.rs", "mod deep;"),
        source("src/a/two/deep.rs", "use crate::{b::X, a::{three::{U as V, W}}};"),
        source("src/a/three.rs", "fn f() { super::one::g() }\n#[cfg(test)]\nmod tests {\n use super::super::four; }"),
        source("src/a/four.rs", "use super::one; // crate::a::two\nuse crate::a::{*};"),
        source("src/b.rs", "use crate::a::one;"),
    ];
    let graphs = graphs(&made);
    assert_eq!(graphs.keys().collect::<Vec<_>>(), ["a"]);
    let found: Vec<_> = circles(&graphs["a"]).into_iter().map(|names| names.join(" ")).collect();
    assert_eq!(found, ["one three two"]);
}
