//! Copying over whatever lies between us and the user's desk: tmux, screen, ssh.
//!
//! Owns the OSC 52 sequences and `tmux load-buffer`. Never reads a clipboard, and never claims more than that bytes
//! were sent. What was measured: a default tmux drops both the raw and the wrapped sequence, and takes `load-buffer -w`.

use std::{fmt, process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::io::AsyncWriteExt as _;

use super::{
    caps::Caps,
    child::Program,
    passage::{through_screen, through_tmux},
};

/// Most terminals take at least this many encoded bytes.
const CAP: usize = 74_994;
/// GNU screen's buffer for a control string is small.
const SCREEN_CAP: usize = 768;

/// What is to be done for one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    text: String,
    /// Bytes of the text that are sent.
    pub bytes: usize,
    /// Bytes that were too many.
    pub cut: usize,
    /// Ask tmux first.
    pub tmux: bool,
    way: Way,
}

/// The way that a copy took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// tmux has it in a buffer, and passed it on to the terminal outside.
    Tmux,
    /// OSC 52, plain and wrapped for tmux.
    TmuxSequences,
    /// OSC 52, wrapped for GNU screen.
    Screen,
    /// OSC 52.
    Terminal,
}

/// What was done, in words for a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Bytes sent.
    pub bytes: usize,
    /// Bytes cut off.
    pub cut: usize,
    /// How.
    pub way: Way,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Tmux => "sent to tmux and the terminal's clipboard (load-buffer -w)",
            Way::TmuxSequences => "sent to the terminal's clipboard through tmux (OSC 52)",
            Way::Screen => "sent to the terminal's clipboard through screen (OSC 52)",
            Way::Terminal => "sent to the terminal's clipboard (OSC 52)",
        };
        write!(f, "{} bytes {way}", self.bytes)?;
        if self.cut > 0 {
            write!(f, "; {} more did not fit: save to a file instead", self.cut)?;
        }
        Ok(())
    }
}

impl Plan {
    /// How to copy `text` from a terminal like this.
    pub fn new(text: &str, caps: &Caps) -> Self {
        let way = match (caps.tmux, caps.screen) {
            (true, _) => Way::TmuxSequences,
            (false, true) => Way::Screen,
            (false, false) => Way::Terminal,
        };
        let cap = if way == Way::Screen { SCREEN_CAP } else { CAP };
        let bytes = text.floor_char_boundary(cap / 4 * 3);
        Self { text: text[..bytes].to_owned(), bytes, cut: text.len() - bytes, tmux: caps.tmux, way }
    }

    /// The bytes for the terminal, for when there is no tmux or it did not answer.
    pub fn sequence(&self) -> Vec<u8> {
        let raw = format!("\x1b]52;c;{}\x07", STANDARD.encode(&self.text));
        match self.way {
            Way::Terminal | Way::Tmux => raw.into_bytes(),
            Way::TmuxSequences => format!("{raw}{}", through_tmux(&raw)).into_bytes(),
            Way::Screen => through_screen(&raw).into_bytes(),
        }
    }

    /// Tries tmux, if we are in one: `Some` when it took the text, and nothing else need be sent.
    pub async fn through_tmux(&self) -> Option<Sent> {
        let program = Program { name: "tmux".into(), args: ["load-buffer", "-w", "-"].map(Into::into).to_vec() };
        let took = self.tmux && tokio::time::timeout(Duration::from_secs(2), feed(&program, &self.text)).await.ok()?;
        took.then_some(Sent { bytes: self.bytes, cut: self.cut, way: Way::Tmux })
    }

    /// What to say once [`Plan::sequence`] has been written.
    pub fn sent(&self) -> Sent {
        Sent { bytes: self.bytes, cut: self.cut, way: self.way }
    }
}

async fn feed(program: &Program, text: &str) -> bool {
    let mut command = program.command();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take()
        && stdin.write_all(text.as_bytes()).await.is_err()
    {
        return false;
    }
    child.wait().await.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str, tmux: bool, screen: bool) -> Plan {
        Plan::new(text, &Caps { tmux, screen, ..Caps::default() })
    }

    #[test]
    fn each_surrounding_gets_its_own_wrapping() {
        let text = |plan: &Plan| String::from_utf8(plan.sequence()).expect("ascii");
        assert_eq!(text(&plan("hi", false, false)), "\x1b]52;c;aGk=\x07");
        assert_eq!(text(&plan("hi", true, false)), "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\");
        assert_eq!(text(&plan("hi", false, true)), "\x1bP\x1b]52;c;aGk=\x07\x1b\\");
    }

    #[test]
    fn too_much_is_cut_at_a_character_and_said() {
        let text = "\u{e9}".repeat(60_000);
        let plan = plan(&text, false, false);
        assert_eq!(plan.bytes + plan.cut, text.len());
        assert!(plan.sequence().len() <= CAP + 16 && plan.cut > 0);
        assert!(plan.sent().to_string().contains("did not fit"), "{}", plan.sent());
    }
}
