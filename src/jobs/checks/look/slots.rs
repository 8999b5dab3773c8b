//! Slots: how many ranks there is room for.

use super::Looks;
use crate::jobs::checks::case::{Case, Container, Found};

pub(super) const LOOKS: Looks = &[
    ("slots-negative", negative),
    ("slots-zero", zero),
    ("slots-range", range),
    ("ranks-over-slots", over),
    ("ranks-under-slots", under),
    ("slots-gpus", gpus),
    ("workers-range", workers),
];

const AT: &str = "/spec/slotsPerWorker";

fn negative(case: &Case<'_>) -> Vec<Found> {
    case.number(AT).filter(|n| *n < 0 && case.is_mpi()).map(|n| Found::at(AT).with("is", n)).into_iter().collect()
}

fn zero(case: &Case<'_>) -> Vec<Found> {
    case.number(AT).filter(|n| *n == 0 && case.is_mpi()).map(|_| Found::at(AT)).into_iter().collect()
}

fn range(case: &Case<'_>) -> Vec<Found> {
    let Some((least, most)) = case.limits.slots.filter(|_| case.is_mpi()) else { return Vec::new() };
    let is = case.slots();
    let outside = !(least..=most).contains(&is);
    outside.then(|| Found::at(AT).with("is", is).with("least", least).with("most", most)).into_iter().collect()
}

fn workers(case: &Case<'_>) -> Vec<Found> {
    let Some((least, most)) = case.limits.workers.filter(|_| case.is_mpi()) else { return Vec::new() };
    let Some(role) = case.role("Worker") else { return Vec::new() };
    let is = case.workers();
    let found = || Found::at(format!("{}/replicas", role.at)).with("is", is).with("least", least).with("most", most);
    (is > 0 && !(least..=most).contains(&is)).then(found).into_iter().collect()
}

/// The number of ranks that a launcher asks for, and which word says so.
fn asked(main: &Container<'_>) -> Option<(i64, String)> {
    let words = main.words();
    for (i, word) in words.iter().enumerate() {
        let starts = word.contains("mpirun") || word.contains("mpiexec") || word.contains("horovodrun");
        if !starts {
            continue;
        }
        // As words of their own, or inside a script.
        let script = word.contains(char::is_whitespace);
        let rest: Vec<&str> = if script { after_start(word) } else { words[i + 1..].to_vec() };
        if rest.iter().any(|word| word.contains("oversubscribe")) {
            return None;
        }
        let at = rest.iter().position(|word| matches!(*word, "-np" | "-n" | "--np" | "-c"))?;
        return rest.get(at + 1)?.trim_matches(['"', '\'', '\\']).parse().ok().map(|n| (n, rest[at].to_owned()));
    }
    None
}

/// The words of a script behind its first mpirun, up to the end of the command.
fn after_start(script: &str) -> Vec<&str> {
    let from = ["mpirun", "mpiexec", "horovodrun"].iter().filter_map(|word| script.find(word)).min().unwrap_or(0);
    let joined = script[from..].split(['\n', ';', '|', '&']);
    // A backslash at the end of a line goes on on the next.
    let mut words = Vec::new();
    for line in joined {
        words.extend(line.split_whitespace().filter(|word| *word != "\\"));
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    words
}

/// Ranks asked for, the word, and room.
fn room(case: &Case<'_>) -> Option<(Found, i64, i64)> {
    if !case.is_mpi() {
        return None;
    }
    let main = case.role("Launcher")?.main()?;
    let (asked, word) = asked(&main)?;
    let hosts = case.workers() + i64::from(case.launcher_works());
    let room = hosts.checked_mul(case.slots())?;
    let field = if main.value["args"].as_array().is_some_and(|args| !args.is_empty()) { "args" } else { "command" };
    let found = Found::at(format!("{}/{field}", main.at)).with("word", word).with("asked", asked).with("room", room);
    Some((found.with("hosts", hosts).with("slots", case.slots()), asked, room))
}

fn over(case: &Case<'_>) -> Vec<Found> {
    room(case).filter(|(_, asked, room)| asked > room && *room > 0).map(|(found, ..)| found).into_iter().collect()
}

fn under(case: &Case<'_>) -> Vec<Found> {
    room(case).filter(|(_, asked, room)| asked < room && *asked > 0).map(|(found, ..)| found).into_iter().collect()
}

fn gpus(case: &Case<'_>) -> Vec<Found> {
    let Some(role) = case.role("Worker").filter(|_| case.is_mpi()) else { return Vec::new() };
    let (gpus, slots) = (role.gpus().0, case.slots());
    let found = || Found::at(AT).with("slots", slots).with("gpus", gpus);
    (gpus > 0 && slots > 0 && gpus != slots).then(found).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_number_of_ranks_is_read_from_words_and_scripts() {
        let asked = |words: serde_json::Value| {
            let value = json!({"command": words});
            asked(&Container { at: String::new(), value: &value, main: true, init: false }).map(|(n, _)| n)
        };
        assert_eq!(asked(json!(["mpirun", "-np", "4", "python", "-n", "9"])), Some(4));
        assert_eq!(asked(json!(["bash", "-c", "set -e\nmpirun --x \\\n  -np 8 train\necho -n 3"])), Some(8));
        assert_eq!(asked(json!(["bash", "-c", "mpirun train\necho -n 3"])), None);
        assert_eq!(asked(json!(["mpirun", "--oversubscribe", "-np", "4"])), None);
        assert_eq!(asked(json!(["mpirun", "-np", "$N"])), None);
        assert_eq!(asked(json!(["python", "-n", "4"])), None);
        assert_eq!(asked(json!(["/usr/bin/mpiexec", "-n", "2"])), Some(2));
    }
}
