//! A sign-in or a pager borrows the terminal: it is the shell's for as long, and the console's again afterwards.

use rustix::process::Signal;

use super::{Pty, kill};

/// A console on a cluster whose users sign in with a program that asks a question on the terminal.
fn signing_in() -> Pty {
    let script = r#"printf '{"apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1",
            "command": "bash", "interactiveMode": "IfAvailable", "args": ["%s/ask"]}}}]}' "$HOME" > "$HOME/config"
        cat > "$HOME/ask" <<'END'
case $KUBERNETES_EXEC_INFO in *'"interactive":true'*) ;; *) echo 'please sign in' >&2; exit 1;; esac
echo "who are you?" >&2
read -r name
echo "{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"$name\"}}"
END
        $MPIDECK --kubeconfig "$HOME/config"; echo code=$?; read -r _"#;
    let mut pty = Pty::sh(script);
    pty.wait_for("please sign in");
    pty.keys(":");
    pty.wait_for("tab completes");
    pty.keys("login\r");
    pty.wait_for("who are you?");
    assert!(!pty.is_full_screen(), "it must ask on the shell's screen");
    pty
}

#[test]
fn a_sign_in_has_the_terminal_and_gives_it_back() {
    let mut pty = signing_in();
    pty.keys("q\r");
    pty.wait("the console again", || pty.is_full_screen());
    pty.keys("?");
    pty.wait_for("Job list");
    pty.keys("q\u{3}");
    pty.wait_for("code=0");
    pty.keys("\r");
    pty.ended();
}

#[test]
fn told_to_end_while_somebody_signs_in_it_ends() {
    let mut pty = signing_in();
    let children = format!("/proc/{0}/task/{0}/children", pty.pid());
    let text = std::fs::read_to_string(children).expect("the shell's children");
    kill(text.trim().parse().expect("one child"), Signal::TERM);
    pty.wait_for("code=143");
    assert!(!pty.is_full_screen());
    pty.keys("\r");
    pty.ended();
}

#[test]
fn the_pager_gets_the_lines_that_are_looked_at_and_gives_the_terminal_back() {
    let script = r#"cat > "$HOME/pager" <<'END'
for file; do :; done
echo "pager: $1, $(grep -c 'IndexError: list index out of range' "$file") of it, $(grep -c $'\033' "$file") escapes, mode $(stat -c %a "$file")"
echo "$file" > "$HOME/paged"
read -r _
END
        PAGER="bash $HOME/pager --plain" exec $MPIDECK demo --scenario exception --speed 20"#;
    let mut pty = Pty::sh(script);
    pty.wait_for("Failed");
    pty.keys("l");
    pty.wait_for("IndexError: list index out of range");
    pty.keys("|");
    pty.wait_for("pager: --plain, 1 of it, 0 escapes, mode 600");
    assert!(!pty.is_full_screen(), "the terminal is the pager's");
    pty.keys("\r");
    pty.wait("the page again", || pty.is_full_screen() && pty.screen().contains("IndexError"));
    let paged = std::fs::read_to_string(pty.home().join("paged")).expect("the pager has seen a file");
    assert!(!std::path::Path::new(paged.trim()).exists(), "the file goes with its pager: {paged}");
    pty.keys("\u{3}");
    pty.ended();
}
