//! Keys, pastes, clicks and sizes from the terminal.
//!
//! Owns the one reader of the terminal; whoever lends the terminal to another program stops it first with
//! [`Keyboard::pause`]. Must not give a key a meaning.
//!
//! crossterm waits for keys and SIGWINCH with one edge-triggered poll and handles only the first that is ready: of a key
//! and a new size in the same moment it forgets the other until the next one comes. Sizes are therefore heard of by a
//! stream of our own, and its reader is nudged wherever it may have left keys unread.

use std::{collections::VecDeque, io, time::Duration};

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent};
use futures::StreamExt as _;
use ratatui::layout::Size;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

use super::signals;

/// A storm of sizes (a dragged window) is taken as one.
const RESIZE_QUIET: Duration = Duration::from_millis(50);
/// More characters than this at once were not typed by fingers.
const TYPED: usize = 8;
/// A paste may come in pieces: what follows a burst so closely belongs to it.
const BURST_QUIET: Duration = Duration::from_millis(5);

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down.
    Key(KeyEvent),
    /// Characters that came all at once: pasted on a terminal that doesn't say so. Never to be run as commands.
    Burst(Vec<KeyEvent>),
    /// A bracketed paste, raw as it came: for text fields, which clean it; never for commands.
    Paste(String),
    /// A click or the wheel.
    Mouse(MouseEvent),
    /// The terminal has this size now.
    Resize(Size),
    /// The terminal is gone. Nothing follows.
    Lost,
}

/// The reader.
#[derive(Debug, Default)]
pub struct Keyboard {
    stream: Option<EventStream>,
    /// Of changed sizes.
    sizes: Option<Signal>,
    held: VecDeque<Input>,
    /// When the last burst ended.
    burst: Option<Instant>,
}

impl Keyboard {
    /// Begins to read. Needs a runtime.
    pub fn new() -> io::Result<Self> {
        let sizes = signal(SignalKind::window_change())?;
        Ok(Self { stream: Some(EventStream::new()), sizes: Some(sizes), ..Self::default() })
    }

    /// What comes from the terminal next, `None` for what is no input. Waits for ever while paused. Safe to cancel.
    async fn event(&mut self) -> Option<Input> {
        let Some(stream) = &mut self.stream else { return std::future::pending().await };
        let resized = async {
            match &mut self.sizes {
                Some(sizes) => sizes.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = stream.next() => translate(event),
            _ = resized => size().ok().map(Input::Resize),
        }
    }

    /// The next input. Waits for ever while paused. Safe to cancel.
    pub async fn next(&mut self) -> Input {
        if let Some(held) = self.held.pop_front() {
            return held;
        }
        loop {
            match self.event().await {
                Some(Input::Resize(size)) => return self.settle(size).await,
                Some(Input::Key(key)) if is_text(&key) => return self.gather(key).await,
                Some(input) => return input,
                None => {}
            }
        }
    }

    /// A key and the characters that came with it. Never waits.
    async fn gather(&mut self, key: KeyEvent) -> Input {
        let mut keys = vec![key];
        let mut after = None;
        loop {
            let input = tokio::select! {
                biased;
                input = self.event() => input,
                () = std::future::ready(()) => break,
            };
            match input {
                Some(Input::Key(key)) if is_text(&key) => keys.push(key),
                Some(other) => {
                    after = Some(other);
                    break;
                }
                None => {}
            }
        }
        let goes_on = self.burst.is_some_and(|last| last.elapsed() < BURST_QUIET);
        let input = if goes_on || is_burst(&keys) {
            // A single key may end a burst; it doesn't draw it out, so that what a script types next is a key again.
            if keys.len() > 1 {
                self.burst = Some(Instant::now());
            }
            Input::Burst(keys)
        } else {
            self.held.extend(keys.drain(1..).map(Input::Key));
            Input::Key(key)
        };
        self.held.extend(after);
        input
    }

    /// What has already come, without waiting.
    ///
    /// Asked by the caller's task: crossterm wakes whoever polled first, so that a poll from nowhere would lose a key.
    pub async fn ready(&mut self) -> Option<Input> {
        tokio::select! {
            biased;
            input = self.next() => Some(input),
            () = std::future::ready(()) => None,
        }
    }

    /// Stops reading: the terminal now belongs to somebody else.
    pub fn pause(&mut self) {
        self.stream = None;
        self.held.clear();
    }

    /// Reads again.
    pub fn resume(&mut self) {
        self.stream.get_or_insert_with(EventStream::new);
    }

    /// Waits until the sizes come to rest; a key ends the waiting, and is kept for the next call.
    async fn settle(&mut self, size: Size) -> Input {
        let mut held = Held { size, keyboard: self };
        loop {
            match tokio::time::timeout(RESIZE_QUIET, held.keyboard.event()).await {
                Err(_) => break,
                Ok(Some(Input::Resize(size))) => held.size = size,
                Ok(Some(other)) => {
                    held.keyboard.held.push_back(other);
                    break;
                }
                Ok(None) => {}
            }
        }
        let size = held.size;
        std::mem::forget(held);
        Input::Resize(size)
    }
}

/// Keeps a size that was read when the waiting for more of them is cancelled.
struct Held<'a> {
    size: Size,
    keyboard: &'a mut Keyboard,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.keyboard.held.push_front(Input::Resize(self.size));
    }
}

/// What a pasted text consists of.
fn is_text(key: &KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Tab)
        && key.modifiers.difference(KeyModifiers::SHIFT).is_empty()
}

/// Too many at once, and not one key held down while the line was slow.
fn is_burst(keys: &[KeyEvent]) -> bool {
    keys.len() > TYPED && keys.iter().any(|key| key.code != keys[0].code)
}

fn translate(event: Option<io::Result<Event>>) -> Option<Input> {
    match event {
        None | Some(Err(_)) => Some(Input::Lost),
        Some(Ok(Event::Key(key))) => (key.kind == KeyEventKind::Press).then_some(Input::Key(key)),
        Some(Ok(Event::Paste(text))) => Some(Input::Paste(text)),
        Some(Ok(Event::Mouse(mouse))) => Some(Input::Mouse(mouse)),
        Some(Ok(Event::Resize(..))) => {
            nudge();
            None
        }
        Some(Ok(Event::FocusGained | Event::FocusLost)) => None,
    }
}

/// Makes the kernel tell crossterm's poll once more that there are keys, if there are some.
///
/// Setting the modes of a terminal wakes whoever waits for it; they are set to what they are.
fn nudge() {
    let nudged = signals::terminal()
        .and_then(|tty| Ok((tcgetattr(&tty)?, tty)))
        .and_then(|(modes, tty)| Ok(tcsetattr(&tty, OptionalActions::Now, &modes)?));
    if let Err(error) = nudged {
        // At worst a key waits for the next one.
        tracing::debug!(%error, "reader not nudged");
    }
}

/// The size of the terminal, asked of the kernel.
pub fn size() -> io::Result<Size> {
    crossterm::terminal::size().map(|(width, height)| Size { width, height })
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    #[test]
    fn only_presses_are_keys_and_every_error_is_the_end() {
        let key = |kind| KeyEvent::new_with_kind(KeyCode::Char('j'), KeyModifiers::NONE, kind);
        let press = key(KeyEventKind::Press);
        assert_eq!(translate(Some(Ok(Event::Key(press)))), Some(Input::Key(press)));
        assert_eq!(translate(Some(Ok(Event::Key(key(KeyEventKind::Release))))), None);
        assert_eq!(translate(Some(Err(io::ErrorKind::BrokenPipe.into()))), Some(Input::Lost));
        assert_eq!(translate(None), Some(Input::Lost));
    }

    #[test]
    fn a_burst_is_many_characters_but_not_a_key_held_down() {
        let keys = |text: &str| -> Vec<_> {
            text.chars().map(|c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)).collect()
        };
        assert!(is_burst(&keys("kubectl delete")));
        assert!(!is_burst(&keys("jjjjjjjjjjjjjjjj")) && !is_burst(&keys("gg:ctx a")));
        assert!(keys("Q ").iter().all(is_text));
        assert!(!is_text(&KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_keyboard_is_silent() {
        let mut keyboard = Keyboard::default();
        assert_eq!(keyboard.ready().await, None);
        assert!(tokio::time::timeout(Duration::from_secs(9), keyboard.next()).await.is_err());
    }
}
