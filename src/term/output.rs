//! Frames to the terminal: one write each, inside a synchronized update, and none when nothing changed.
//!
//! Owns the backend that ratatui draws to. It never asks the terminal anything: sizes are told by the loop, the cursor
//! is where it was put. It counts what it writes. Must not decide when to draw.

use std::{
    io::{self, Write},
    time::Duration,
};

use ratatui::{
    Terminal,
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
};

use super::{caps::ColorMode, guard, paint::Painter};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
const HIDE: &[u8] = b"\x1b[?25l";
const SHOW: &[u8] = b"\x1b[?25h";

/// A write that takes longer than this met a full pipe.
const BLOCKED: Duration = Duration::from_millis(50);

/// What has been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Frames with a change in them.
    pub frames: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes of the last frame; 0 when it changed nothing.
    pub last_bytes: usize,
    /// Writes that met a full pipe.
    pub blocked: u64,
}

/// Where ratatui draws.
#[derive(Debug)]
pub struct Output<W> {
    sink: W,
    size: Size,
    painter: Painter,
    frame: Vec<u8>,
    /// Bytes that paint nothing and go with the next frame.
    along: Vec<u8>,
    packet: Vec<u8>,
    wanted: Option<Position>,
    shown: Option<Position>,
    last: Position,
    written: Written,
}

/// The process's terminal as a sink without buffer or lock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tty;

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        guard::write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Output<W> {
    /// A screen of this size and these colours behind `sink`.
    pub fn new(sink: W, size: Size, color: ColorMode) -> Self {
        Self {
            sink,
            size,
            painter: Painter::new(color),
            frame: Vec::new(),
            along: Vec::new(),
            packet: Vec::new(),
            wanted: None,
            shown: None,
            last: Position::ORIGIN,
            written: Written::default(),
        }
    }

    /// The terminal has this size now; the next draw fits itself to it.
    pub fn set_size(&mut self, size: Size) {
        self.size = size;
    }

    /// What has been written so far.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Sends control bytes that paint nothing (a clipboard sequence), at once and outside any frame.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written.bytes += bytes.len() as u64;
        self.sink.write_all(bytes)?;
        self.sink.flush()
    }

    /// Lets control bytes that paint nothing (a bell, a notification) go with the next frame, in its write.
    pub fn along(&mut self, bytes: &[u8]) {
        self.along.extend_from_slice(bytes);
    }

    fn compose(&mut self) {
        self.packet.clear();
        if !self.frame.is_empty() || self.wanted != self.shown {
            self.compose_frame();
        }
        self.packet.append(&mut self.along);
    }

    fn compose_frame(&mut self) {
        self.painter.plain(&mut self.frame);
        self.packet.extend_from_slice(BEGIN);
        if self.shown.is_some() && (self.wanted.is_none() || self.frame.len() > 64) {
            self.packet.extend_from_slice(HIDE);
            self.shown = None;
        }
        self.packet.append(&mut self.frame);
        if let Some(to) = self.wanted {
            self.painter.go(&mut self.packet, to);
            if self.shown.is_none() {
                self.packet.extend_from_slice(SHOW);
            }
        }
        self.shown = self.wanted;
        self.packet.extend_from_slice(END);
    }
}

impl<W: Write> Backend for Output<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.painter.cells(&mut self.frame, self.size, content);
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.wanted = None;
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.wanted = Some(self.last);
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.last)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.last = position.into();
        self.wanted = self.wanted.map(|_| self.last);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.frame.clear();
        self.painter.clear(&mut self.frame);
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        // Only inline viewports ask for parts; what they would clear is drawn again.
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.written.last_bytes = 0;
        if self.frame.is_empty() && self.wanted == self.shown && self.along.is_empty() {
            return Ok(());
        }
        self.compose();
        let before = tokio::time::Instant::now();
        self.sink.write_all(&self.packet)?;
        self.sink.flush()?;
        let took = before.elapsed();
        let written = &mut self.written;
        written.frames += 1;
        written.bytes += self.packet.len() as u64;
        written.last_bytes = self.packet.len();
        written.blocked += u64::from(took >= BLOCKED);
        Ok(())
    }
}

/// Makes the next draw paint every cell on a blank screen (after a resume, ctrl-l, or an editor).
pub fn force_redraw<W: Write>(terminal: &mut Terminal<Output<W>>) {
    let output = terminal.backend_mut();
    output.painter.clear(&mut output.frame);
    output.shown = None;
    // The buffer that the next frame is compared with must be as blank as the screen.
    terminal.current_buffer_mut().reset();
    terminal.swap_buffers();
}

/// Whether an error says that the terminal is gone, so that nothing more should be written to it.
pub fn is_lost(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected) || error.raw_os_error() == Some(EIO)
}

#[cfg(test)]
mod tests {
    use ratatui::{style::Style, widgets::Paragraph};

    use super::*;

    /// Counts write calls and keeps what they brought.
    #[derive(Default)]
    struct Calls(Vec<Vec<u8>>);

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal() -> Terminal<Output<Calls>> {
        Terminal::new(Output::new(Calls::default(), Size::new(80, 24), ColorMode::Ansi16)).expect("a terminal")
    }

    fn calls(terminal: &Terminal<Output<Calls>>) -> usize {
        terminal.backend().sink.0.len()
    }

    fn screen(terminal: &Terminal<Output<Calls>>) -> vt100::Parser {
        let mut parser = vt100::Parser::new(24, 80, 0);
        terminal.backend().sink.0.iter().for_each(|bytes| parser.process(bytes));
        parser
    }

    #[test]
    fn a_frame_is_one_write_in_one_update_and_an_equal_frame_none() {
        let mut terminal = terminal();
        let text = "hello\n".repeat(20);
        terminal.draw(|f| f.render_widget(Paragraph::new(text.as_str()), f.area())).expect("drawn");
        assert_eq!(calls(&terminal), 1);
        let first = &terminal.backend().sink.0[0];
        assert!(first.starts_with(BEGIN) && first.ends_with(END));
        terminal.draw(|f| f.render_widget(Paragraph::new(text.as_str()), f.area())).expect("drawn");
        assert_eq!((calls(&terminal), terminal.backend().written().last_bytes), (1, 0), "idle must write nothing");
    }

    #[test]
    fn the_cursor_is_shown_where_asked_and_costs_nothing_while_it_rests() {
        let mut terminal = terminal();
        for _ in 0..3 {
            terminal.draw(|f| f.set_cursor_position((4, 2))).expect("drawn");
        }
        assert_eq!(calls(&terminal), 1);
        let seen = screen(&terminal);
        assert_eq!((seen.screen().cursor_position(), seen.screen().hide_cursor()), ((2, 4), false));
        terminal.draw(|_| ()).expect("drawn");
        assert!(screen(&terminal).screen().hide_cursor());
    }

    #[test]
    fn what_was_drawn_is_on_screen_after_any_changes() {
        let mut terminal = terminal();
        let lines =
            ["日本語 and more", "plain", "x", "", "\u{2500}\u{2500} border \u{2502}", "a\u{1f469}\u{200d}\u{1f680}b"];
        for step in 0..40usize {
            let style = if step % 3 == 0 { Style::new().bold().on_blue() } else { Style::new() };
            let text: Vec<_> = (0..12).map(|row| lines[(row * 7 + step * 5) % lines.len()]).collect();
            terminal
                .draw(|f| {
                    f.render_widget(Paragraph::new(text.join("\n")).style(style), f.area());
                })
                .expect("drawn");
            let seen = screen(&terminal);
            for (row, line) in text.iter().take(12).enumerate().filter(|(_, line)| line.is_ascii()) {
                let shown = seen.screen().rows(0, 80).nth(row).unwrap_or_default();
                assert_eq!(shown.trim_end(), *line, "step {step}, row {row}");
            }
        }
    }

    #[test]
    fn what_goes_along_is_in_the_frames_write_and_goes_once() {
        let mut terminal = terminal();
        terminal.backend_mut().along(b"\x07");
        terminal.draw(|f| f.render_widget(Paragraph::new("it failed"), f.area())).expect("drawn");
        let sent = |terminal: &Terminal<Output<Calls>>| terminal.backend().sink.0.last().cloned().unwrap_or_default();
        assert_eq!(calls(&terminal), 1);
        assert!(
            sent(&terminal).starts_with(BEGIN) && sent(&terminal).ends_with(b"\x1b[?2026l\x07"),
            "after the update"
        );
        terminal.draw(|f| f.render_widget(Paragraph::new("it ended"), f.area())).expect("drawn");
        assert!(!sent(&terminal).contains(&7));
        terminal.backend_mut().along(b"\x07");
        terminal.draw(|f| f.render_widget(Paragraph::new("it ended"), f.area())).expect("drawn");
        assert_eq!(sent(&terminal), b"\x07", "with nothing to draw it goes alone");
    }

    #[test]
    fn a_forced_redraw_paints_all_again_without_asking() {
        let mut terminal = terminal();
        let draw = |terminal: &mut Terminal<Output<Calls>>| {
            terminal.draw(|f| f.render_widget(Paragraph::new("all of it"), f.area())).map(|_| ()).expect("drawn");
        };
        draw(&mut terminal);
        force_redraw(&mut terminal);
        draw(&mut terminal);
        let last = String::from_utf8_lossy(&terminal.backend().sink.0[1]).into_owned();
        assert!(
            last.contains("\x1b[2J") && last.contains("all") && last.contains("it") && !last.contains("\x1b[6n"),
            "{last:?}"
        );
    }

    #[test]
    fn knows_a_lost_terminal() {
        assert!(is_lost(&io::Error::from_raw_os_error(5)) && is_lost(&io::ErrorKind::BrokenPipe.into()));
        assert!(!is_lost(&io::ErrorKind::Interrupted.into()));
    }
}
