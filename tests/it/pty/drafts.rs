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

/// A draft from the first template, as a form.
fn begun(pty: &mut Pty) {
    pty.keys("N");
    pty.wait_for("CPU smoke test");
    pty.keys("\r");
    pty.wait_for("> Name ");
}

/// The same, as its text.
fn begun_as_text(pty: &mut Pty) {
    begun(pty);
    pty.keys("\t");
    pty.wait_for("kind: MPIJob");
}

fn typing(pty: &mut Pty) {
    begun_as_text(pty);
    for c in "# learns to fly".chars() {
        pty.keys(c.encode_utf8(&mut [0; 4]));
    }
    pty.wait_for("# learns to fly");
}

fn is_offered_again(pty: &mut Pty) {
    pty.wait_for("Drafts");
    pty.wait_for("not closed");
    pty.keys("\r");
    pty.wait_for("kind: MPIJob");
    assert!(pty.screen().contains("# learns to fly"), "{}", pty.screen());
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
    let edit = "printf 'sed -i s/smoke/tuned/ \"$1\"\\n' > $HOME/edit.sh";
    let mut pty = Pty::sh(&format!("{edit}; EDITOR=\"sh $HOME/edit.sh\" {DEMO}; read -r _"));
    pty.wait_for("no training jobs");
    begun_as_text(&mut pty);
    pty.wait_for("name: smoke");
    pty.keys("\u{5}");
    pty.wait_for("name: tuned");
    // A key in the very moment in which the terminal comes back may be held until the next one.
    pty.wait_for("kept");
    pty.keys("\u{15}");
    pty.wait_for("name: smoke");
}

#[test]
fn what_another_editor_has_saved_outlives_a_hang_up_and_an_end_from_outside() {
    let edit = "printf 'sed -i s/smoke/tuned/ \"$1\"; : > \"$HOME/saved\"; exec sleep 600\n' > $HOME/edit.sh";
    for signal in [Signal::HUP, Signal::TERM] {
        let mut pty = Pty::sh(&format!("{edit}; EDITOR=\"sh $HOME/edit.sh\" {DEMO}; clear; {DEMO}; read -r _"));
        pty.wait_for("no training jobs");
        begun_as_text(&mut pty);
        pty.wait_for("name: smoke");
        pty.keys("\u{5}");
        let saved = pty.home().join("saved");
        pty.wait("the editor to have saved", || saved.exists());
        kill(inner(&pty), signal);
        pty.wait_for("not closed");
        pty.keys("\r");
        pty.wait_for("name: tuned");
    }
}

#[test]
fn a_job_from_a_template_is_sent_and_runs() {
    let mut pty = Pty::sh(&format!("{DEMO} --speed 20; read -r _"));
    pty.wait_for("no training jobs");
    begun(&mut pty);
    pty.keys("\u{f}");
    pty.wait_for("Makes");
    pty.wait_for("without the cluster");
    pty.keys("\r");
    pty.wait_for("1 Overview");
    pty.wait("a job that runs or has ended well", || {
        let screen = pty.screen();
        screen.contains("Running") || screen.contains("Succeeded")
    });
    assert_eq!(texts(&pty), Vec::<String>::new(), "what is sent is no draft any more");
}

#[test]
fn a_failed_job_is_tried_again_with_its_fix_in_three_keys() {
    let mut pty = Pty::sh("$MPIDECK demo --scenario host-oom-worker --speed 20; read -r _");
    pty.wait("a failed job with its cause", || {
        let screen = pty.screen();
        screen.contains("Failed") && screen.contains("out of memory")
    });
    pty.keys("R");
    pty.wait_for("[x] ");
    pty.wait_for("memory");
    pty.keys("\r");
    pty.wait_for("without the cluster");
    pty.keys("\r");
    pty.wait_for("-2 > Overview");
}

#[test]
fn a_user_without_the_right_is_told_and_keeps_the_draft() {
    let mut pty = Pty::sh(&format!("{DEMO} --context viewer; read -r _"));
    pty.wait_for("no training jobs");
    begun(&mut pty);
    pty.keys("\u{f}");
    pty.wait_for("refused at create");
    pty.keys("\r");
    pty.wait_for("The checks say: refused at create");
    pty.keys("!");
    pty.wait_for("The draft is as it was.");
    assert!(pty.screen().contains("Not made"), "{}", pty.screen());
    pty.keys("\u{1b}");
    pty.wait_for("> Name ");
}
