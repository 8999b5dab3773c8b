//! Control strings through whatever lies between us and the terminal outside.

/// For tmux, which passes it on where `allow-passthrough` is on and drops it otherwise.
pub(super) fn through_tmux(raw: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", raw.replace('\x1b', "\x1b\x1b"))
}

/// For GNU screen.
pub(super) fn through_screen(raw: &str) -> String {
    format!("\x1bP{raw}\x1b\\")
}
