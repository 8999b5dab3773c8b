//! What a person types into a draft outlives every end of the program.

use std::{fs, path::PathBuf};

use rustix::process::Signal;

use super::{Pty, kill, life::inner, now};

const DEMO: &str = "$MPIDECK demo --fleet empty";

/// A console twice, one after the other, in the same home.
fn twice() -> Pty {
    let pty = Pty::sh(&format!("{DEMO}; clear; {DEMO}; read -r _"));
    pty.wait_for("no training jobs");
    pty
}

/// The texts of all drafts in the home of `pty`.
fn texts(pty: &Pty) -> Vec<String> {
    let dir: PathBuf = pty.home().join(".local/state/mpideck/drafts");
    let files = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let texts = files.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    texts.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

fn typing(pty: &mut Pty) {
    pty.keys("N");
    pty.wait_for("kind: MPIJob");
    for c in "# learns to fly".chars() {
        pty.keys(c.encode_utf8(&mut [0; 4]));
    }
    pty.wait_for("# learns to fly");
}

fn is_offered_again(pty: &mut Pty) {
    pty.wait_for("Drafts");
    pty.wait_for("not closed");
    pty.keys("\r");
    pty.wait_for("# learns to fly");
    pty.keys("\u{1b}");
    pty.wait_for("kept as a draft");
}

#[test]
fn a_kill_in_the_middle_of_typing_loses_nothing() {
    let mut pty = twice();
    typing(&mut pty);
    let begun = now();
    pty.wait("the text in its file", || texts(&pty).iter().any(|text| text.contains("# learns to fly")));
    assert!(begun.elapsed().as_millis() < 1_000, "it took {:?}", begun.elapsed());
    kill(inner(&pty), Signal::KILL);
    is_offered_again(&mut pty);
}

#[test]
fn a_hang_up_and_an_end_from_outside_flush_what_was_typed() {
    for signal in [Signal::TERM, Signal::HUP] {
        let mut pty = twice();
        typing(&mut pty);
        kill(inner(&pty), signal);
        is_offered_again(&mut pty);
    }
}

#[test]
fn another_editor_changes_the_text() {
    let edit = "printf 'sed -i s/train/tuned/ \"$1\"\\n' > $HOME/edit.sh";
    let mut pty = Pty::sh(&format!("{edit}; EDITOR=\"sh $HOME/edit.sh\" {DEMO}; read -r _"));
    pty.wait_for("no training jobs");
    pty.keys("N");
    pty.wait_for("name: train");
    pty.keys("\u{5}");
    pty.wait_for("name: tuned");
    pty.keys("\u{15}");
    pty.wait_for("name: train");
}
