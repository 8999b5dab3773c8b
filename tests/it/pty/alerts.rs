//! What one is told of in a real terminal: by its bell and notifications, once; by a program of the user's own, whose
//! output never reaches the screen.

use super::Pty;

#[test]
fn a_pinned_job_that_changes_is_signalled_once_and_a_program_is_told() {
    let script = r#"mkdir -p "$HOME/.config/mpideck"
        cat > "$HOME/tell" <<'END'
printf '\033]0;owned\007'
printf '\033]0;owned\007no such channel\n' >&2
[ "$MPIDECK_EVENT_STATE" = Running ] || exit 0
(read -r line && echo "read=$line" || echo read=nothing; env | grep ^MPIDECK_EVENT_) > "$HOME/told.new"
mv "$HOME/told.new" "$HOME/told"
exit 3
END
        cat > "$HOME/.config/mpideck/config.toml" <<END
alert-signal = ["bell", "osc9", "osc777"]
alert-command = ["bash", "$HOME/tell", "it's \$(one) argument"]
END
        exec $MPIDECK demo --scenario suspended"#;
    let mut pty = Pty::sh(script);
    pty.wait_for("Jobs 1 of 1");
    pty.wait_for("live");
    pty.keys("P");
    pty.wait_for("recorded until it is unpinned");
    // It is resumed by somebody else.
    let told = pty.home().join("told");
    pty.wait("the program to be told", || told.exists());
    let told = std::fs::read_to_string(told).expect("written");
    let has = |line: &str| told.lines().any(|told| told == line);
    assert!(has("read=nothing") && has("MPIDECK_EVENT_KIND=state"), "{told}");
    let name = told.lines().find_map(|line| line.strip_prefix("MPIDECK_EVENT_NAME=")).expect("a name").to_owned();
    assert!(
        told.lines().any(|line| line.starts_with("MPIDECK_EVENT_TEXT=") && line.ends_with(", now Running")),
        "{told}"
    );
    pty.keys(":");
    pty.wait_for("tab completes");
    pty.keys("messages\r");
    pty.wait("the failure among the messages", || {
        let screen = pty.screen();
        screen.contains("alert-command: bash ended with exit code 3") && screen.contains(", now Running")
    });
    pty.keys("q\u{3}");
    pty.ended();
    let bytes = String::from_utf8_lossy(&pty.bytes()).into_owned();
    let osc9 = |text: &str| bytes.matches(&format!("\x1b]9;mpideck: {text}\x07")).count();
    let signal = bytes.split("\x1b[?2026l").filter(|after| after.contains(", now Running\x07")).collect::<Vec<_>>();
    assert_eq!(signal.len(), 1, "told once: {signal:?}");
    let text = signal[0].strip_prefix("\x1b]9;mpideck: ").and_then(|rest| rest.split('\x07').next()).expect("a text");
    assert!(text.contains(&name), "{text}");
    let whole = format!("\x1b]9;mpideck: {text}\x07\x1b]777;notify;mpideck;{text}\x07\x07");
    assert!(signal[0].starts_with(&whole), "right after a frame, in its write: {:?}", signal[0]);
    assert_eq!(osc9(text), 1);
    assert!(!bytes.contains("\x1b]0;owned"), "what the program wrote never reaches the terminal raw");
}
