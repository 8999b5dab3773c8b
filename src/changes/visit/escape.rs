//! The way out of a shell whose other end does not answer: enter, then `~.`, as in ssh.

/// What is typed, looked through.
#[derive(Debug)]
pub(super) struct Escape {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a line.
    Line,
    /// At its beginning.
    Begin,
    /// After a `~` at its beginning, which is held back.
    Tilde,
}

impl Default for Escape {
    fn default() -> Self {
        Self { state: State::Begin }
    }
}

impl Escape {
    /// Takes typed bytes. Gives those to send; `None`: the person leaves.
    pub(super) fn pass(&mut self, typed: &[u8]) -> Option<Vec<u8>> {
        let mut sent = Vec::with_capacity(typed.len() + 1);
        for &byte in typed {
            match (self.state, byte) {
                (State::Tilde, b'.') => return None,
                (State::Begin, b'~') => {
                    self.state = State::Tilde;
                    continue;
                }
                // `~~` sends one.
                (State::Tilde, b'~') => {}
                (State::Tilde, _) => sent.push(b'~'),
                _ => {}
            }
            sent.push(byte);
            self.state = if matches!(byte, b'\r' | b'\n') { State::Begin } else { State::Line };
        }
        Some(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pieces: &[&str]) -> Option<String> {
        let mut escape = Escape::default();
        let mut sent = String::new();
        for piece in pieces {
            sent.push_str(std::str::from_utf8(&escape.pass(piece.as_bytes())?).expect("text"));
        }
        Some(sent)
    }

    #[test]
    fn only_a_tilde_and_a_dot_at_the_beginning_of_a_line_lead_out() {
        assert_eq!(typed(&["ls\r", "~", "."]), None);
        assert_eq!(typed(&["~."]), None);
        assert_eq!(typed(&["cd ~.\r"]).as_deref(), Some("cd ~.\r"));
        assert_eq!(typed(&["\r~", "/bin\r"]).as_deref(), Some("\r~/bin\r"));
        assert_eq!(typed(&["~~.\r"]).as_deref(), Some("~.\r"));
        assert_eq!(typed(&["~\r~."]), None);
    }
}
