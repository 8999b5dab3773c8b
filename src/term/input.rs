//! Keys, pastes, clicks and sizes from the terminal.
//!
//! Owns the one reader of the terminal; whoever lends the terminal to another program stops it first with
//! [`Keyboard::pause`]. Must not give a key a meaning.

use std::{collections::VecDeque, io, time::Duration};

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent};
use futures::StreamExt as _;
use ratatui::layout::Size;
use tokio::time::Instant;

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
    held: VecDeque<Input>,
    /// When the last burst ended.
    burst: Option<Instant>,
}

impl Keyboard {
    /// Begins to read.
    pub fn new() -> Self {
        Self { stream: Some(EventStream::new()), ..Self::default() }
    }

    /// The next input. Waits for ever while paused. Safe to cancel.
    pub async fn next(&mut self) -> Input {
        if let Some(held) = self.held.pop_front() {
            return held;
        }
        loop {
            let Some(stream) = &mut self.stream else { return std::future::pending().await };
            match translate(stream.next().await) {
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
        while let Some(stream) = &mut self.stream {
            let event = tokio::select! {
                biased;
                event = stream.next() => event,
                () = std::future::ready(()) => break,
            };
            match translate(event) {
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
        while let Some(stream) = &mut held.keyboard.stream {
            match tokio::time::timeout(RESIZE_QUIET, stream.next()).await {
                Err(_) => break,
                Ok(event) => match translate(event) {
                    Some(Input::Resize(size)) => held.size = size,
                    Some(other) => {
                        held.keyboard.held.push_back(other);
                        break;
                    }
                    None => {}
                },
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
        Some(Ok(Event::Resize(width, height))) => Some(Input::Resize(Size { width, height })),
        Some(Ok(Event::FocusGained | Event::FocusLost)) => None,
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
