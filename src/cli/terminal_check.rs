//! A screen with nothing behind it, for tests of the terminal alone. Only in debug builds, and in no help text.
//!
//! Shows the last input and the size; `q` leaves, ctrl-z suspends, `e` lends the terminal to `true`, `p` panics, `t`
//! panics in a background task.

use std::process::ExitCode;

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::{Terminal, layout::Size, widgets::Paragraph};

use super::{exit::Failure, setup::Setup};
use crate::term::{
    child::{self, Program},
    guard::{self, Guard},
    input::{self, Input, Keyboard},
    output::{Output, Tty, force_redraw, is_lost},
    signals::{self, Signal, Signals},
};

type Screen = Terminal<Output<Tty>>;

/// Runs until told to end.
pub fn run(setup: &Setup) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let code = runtime.block_on(session(setup));
    runtime.shutdown_background();
    code
}

async fn session(setup: &Setup) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new()?;
    let mut guard = Guard::enter(false)?;
    let mut keyboard = Keyboard::new();
    let mut screen = Terminal::new(Output::new(Tty, input::size()?, setup.caps.color))?;
    let mut last = "ready".to_owned();
    loop {
        let size = screen.backend_mut().written();
        tracing::debug!(bytes = size.bytes, "frame");
        let text = format!("last: {last}\nsize: {}", shown_size()?);
        if let Err(error) = screen.draw(|frame| frame.render_widget(Paragraph::new(text.as_str()), frame.area())) {
            return if is_lost(&error) { Ok(lost()) } else { Err(error.into()) };
        }
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::HangUp => return Ok(lost()),
                Signal::Terminate | Signal::Interrupt => return Ok(ExitCode::from(signal.exit_code())),
                Signal::Stop => suspend(&mut guard, &mut screen)?,
                Signal::Continue => {
                    guard.reenter()?;
                    anew(&mut screen)?;
                }
            },
            input = keyboard.next() => match input {
                Input::Lost => return Ok(lost()),
                Input::Resize(size) => screen.backend_mut().set_size(size),
                Input::Key(key) if key.code == KeyCode::Char('q') => return Ok(ExitCode::SUCCESS),
                Input::Key(key) if key.code == KeyCode::Char('z') && key.modifiers == KeyModifiers::CONTROL => {
                    suspend(&mut guard, &mut screen)?;
                }
                Input::Key(key) if key.code == KeyCode::Char('e') => {
                    let editor = Program::editor("true", "file");
                    last = format!("{:?}", child::lend(&mut guard, &mut keyboard, &mut signals, &editor).await?);
                    anew(&mut screen)?;
                }
                Input::Key(key) if key.code == KeyCode::Char('p') => fail("asked to"),
                Input::Key(key) if key.code == KeyCode::Char('t') => {
                    let ended = tokio::spawn(async { fail("in a task") }).await;
                    last = format!("task panicked: {}", ended.is_err());
                }
                Input::Key(key) => last = format!("{:?}", key.code),
                Input::Paste(text) => last = format!("pasted {} bytes", text.len()),
                Input::Mouse(_) => {}
            },
        }
    }
}

#[expect(clippy::panic, reason = "this is what the check is for")]
fn fail(why: &str) {
    panic!("terminal check: {why}");
}

fn lost() -> ExitCode {
    guard::abandon();
    ExitCode::from(Signal::HangUp.exit_code())
}

fn suspend(guard: &mut Guard, screen: &mut Screen) -> Result<(), Failure> {
    signals::suspend(guard)?;
    anew(screen)
}

fn anew(screen: &mut Screen) -> Result<(), Failure> {
    screen.backend_mut().set_size(input::size()?);
    force_redraw(screen);
    Ok(())
}

fn shown_size() -> Result<String, Failure> {
    let Size { width, height } = input::size()?;
    Ok(format!("{width}x{height}"))
}
