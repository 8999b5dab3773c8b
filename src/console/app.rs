//! The loop: what happens becomes a message, the model changes, effects are executed, a frame is drawn when due.
//!
//! One task, with a biased select: signals, keys, results, data, deadline. The only clock of the console is here.
//! A flood of data never delays a key: it is taken in slices of at most 2 ms.

mod lend;
mod passing;

use std::{io, sync::Arc, time::Duration};

use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    drill,
    effect::Effect,
    key::Key,
    message::{Input, Message, Told},
    model::{
        Drawn, Model, alert::AlertEffect, draft::DraftEffect, notices::Tone, page::LogMessage, visit::VisitEffect,
    },
    runner::Runner,
    start::Start,
    tty::Tty,
    update::update,
    view::{screen_text, view},
};
use crate::{
    cluster::Mailbox,
    config::AlertSignal,
    disk::atomic,
    jobs::Secs,
    term::{
        self,
        clipboard::Plan,
        input,
        notify::{self, Ways},
        output::is_lost,
        signals::Signal,
    },
};

/// Data is taken for at most this long before the keys are looked at again.
const SLICE: Duration = Duration::from_millis(2);
/// Rows taken at once from the mailbox.
const ROWS: usize = 128;
/// Frames for data alone are at least this far apart.
const FRAME: Duration = Duration::from_millis(33);
/// What a slow line takes without falling behind, in bytes a second.
const LINE: u64 = 30_000;
/// Frames are at most this far apart, however slow the line is.
const SLOWEST: Duration = Duration::from_secs(2);

/// How the console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person left.
    Quit,
    /// A signal, or the terminal went away.
    Signal(Signal),
}

/// Model, runner and what waits for them: all of the console but the terminal.
pub(super) struct App {
    pub(super) start: Start,
    pub(super) model: Model,
    pub(super) runner: Runner,
    pub(super) messages: mpsc::Receiver<Message>,
    /// Rows are left in the mailbox that a slice had no time for.
    pub(super) more: bool,
}

impl App {
    pub(super) fn new(start: Start, size: Size) -> Self {
        let now = (start.now)();
        let (keymap, rules) = (start.keymap.clone(), start.rules.clone());
        let mut model = Model::new(size, now, keymap, rules);
        model.ascii = start.caps.ascii;
        model.mouse = start.config.mouse.value;
        model.session.read_only_all = start.read_only;
        model.aliases.clone_from(&start.config.aliases);
        model.drafts.process = std::process::id();
        model.drafts.opening.clone_from(&start.draft);
        model.user_commands = Arc::clone(&start.user_commands);
        model.visits.saved = start.paths.as_ref().map(crate::config::Paths::saved);
        model.log_streams = start.config.log_streams.value;
        model.goals = start.config.goals();
        let (mut runner, messages) = Runner::new(start.clone());
        runner.execute(Effect::Load);
        Self { start, model, runner, messages, more: false }
    }

    pub(super) fn now(&self) -> Secs {
        (self.start.now)()
    }

    /// Lets a message happen. What the runner must know of it is taken out on the way.
    pub(super) fn happen(&mut self, mut message: Message) -> Vec<Effect> {
        if let Message::Loaded(loaded) = &mut message
            && let Some(target) = loaded.target.take()
        {
            self.runner.set_target(*target);
        }
        let now = self.now();
        let before = std::mem::take(&mut self.model.dirty);
        let effects = update(&mut self.model, message, now);
        self.model.dirty |= before;
        effects
    }

    /// Takes rows for at most a slice. Gives the effects.
    pub(super) fn drain(&mut self, mailbox: &Mailbox) -> Vec<Effect> {
        let (begun, mut effects) = (Instant::now(), Vec::new());
        loop {
            let batches = mailbox.take(ROWS);
            self.more = !batches.is_empty();
            if !self.more {
                return effects;
            }
            effects.extend(self.happen(Message::Fleet(batches)));
            if begun.elapsed() >= SLICE {
                return effects;
            }
        }
    }

    /// Lets what is to be recorded be written, within a second.
    pub(super) async fn finish(&mut self) {
        let effects = super::update::record::flush(&mut self.model);
        for effect in effects {
            self.runner.execute(effect);
        }
        self.runner.finish().await;
    }

    /// When the model wants to hear of the time again.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let next = self.model.next_deadline()?;
        Some(Instant::now() + Duration::from_secs(u64::from(next.since(self.now()))))
    }
}

/// Something woke the loop.
pub(super) enum Woken {
    Signal(Signal),
    Input(input::Input),
    Message(Message),
    Data,
    Time,
}

/// Runs the console on this process's terminal until it ends.
pub async fn run(start: Start) -> io::Result<Ended> {
    let size = input::size()?;
    let mut tty = Tty::enter(start.caps.color, start.config.mouse.value)?;
    let mut app = App::new(start, size);
    app.model.alert.settings = app.start.config.alerts();
    app.runner.execute(Effect::Draft(DraftEffect::List));
    let mut console = Console { app, next_frame: Instant::now(), data_only: false, pace: FRAME };
    let ended = tokio::select! {
        ended = console.run(&mut tty) => ended,
        never = drill::wait() => match never {},
    };
    console.app.finish().await;
    match ended {
        Err(error) if is_lost(&error) => Ok(Ended::Signal(Signal::HangUp)),
        ended => ended,
    }
}

struct Console {
    app: App,
    /// Not before this, for data alone.
    next_frame: Instant,
    /// Whether only data changed since the last frame.
    data_only: bool,
    /// Least time between frames for data.
    pace: Duration,
}

impl Console {
    async fn run(&mut self, tty: &mut Tty) -> io::Result<Ended> {
        self.data_only = false;
        loop {
            self.draw(tty)?;
            let woken = self.wait(tty).await;
            if let Some(ended) = self.handle(tty, woken).await? {
                return Ok(ended);
            }
        }
    }

    fn draw(&mut self, tty: &mut Tty) -> io::Result<()> {
        let due = !self.data_only || Instant::now() >= self.next_frame;
        if !self.app.model.dirty || !due {
            return Ok(());
        }
        self.app.model.dirty = false;
        self.data_only = true;
        let (model, theme, before) = (&self.app.model, &self.app.start.theme, tty.written().blocked);
        tty.draw(|buffer| view(model, theme, buffer))?;
        let written = tty.written();
        let line = Duration::from_millis(written.last_bytes as u64 * 1000 / LINE);
        self.pace = if written.blocked > before { self.pace * 2 } else { FRAME }.clamp(FRAME, SLOWEST);
        self.next_frame = Instant::now() + self.pace.max(line);
        Ok(())
    }

    /// Waits for the most urgent thing: signals, keys, results, data, time.
    async fn wait(&mut self, tty: &mut Tty) -> Woken {
        let wakes = [self.app.wakes_at(), self.app.model.dirty.then_some(self.next_frame)].into_iter().flatten().min();
        let App { runner, messages, more, .. } = &mut self.app;
        let (mailbox, more) = (runner.mailbox(), *more);
        tokio::select! {
            biased;
            signal = tty.signals.next() => Woken::Signal(signal),
            input = tty.keyboard.next() => Woken::Input(input),
            Some(message) = messages.recv() => Woken::Message(message),
            () = data(mailbox.as_ref(), more) => Woken::Data,
            () = until(wakes) => Woken::Time,
        }
    }

    async fn handle(&mut self, tty: &mut Tty, woken: Woken) -> io::Result<Option<Ended>> {
        let effects = match woken {
            Woken::Signal(signal) => return self.signal(tty, signal),
            Woken::Input(input) => return self.typed(tty, input).await,
            Woken::Message(message) => {
                // Results are rare, and one of them may be what the person waits for; new lines of a log are neither.
                self.data_only &= matches!(message, Message::Log(_, LogMessage::News(_)));
                self.app.happen(message)
            }
            Woken::Data => self.app.runner.mailbox().map_or_else(Vec::new, |mailbox| self.app.drain(&mailbox)),
            Woken::Time if self.app.model.next_deadline().is_some_and(|at| at <= self.app.now()) => {
                self.app.happen(Message::Deadline)
            }
            Woken::Time => Vec::new(),
        };
        self.execute(tty, effects).await
    }

    fn signal(&mut self, tty: &mut Tty, signal: Signal) -> io::Result<Option<Ended>> {
        let size = match signal {
            Signal::HangUp => {
                term::guard::abandon();
                return Ok(Some(Ended::Signal(signal)));
            }
            Signal::Terminate | Signal::Interrupt => return Ok(Some(Ended::Signal(signal))),
            Signal::Stop => tty.suspend()?,
            Signal::Continue => tty.reclaim()?,
        };
        self.resumed(size);
        Ok(None)
    }

    fn resumed(&mut self, size: Size) {
        self.data_only = false;
        // A resume only changes the size: it has no effects.
        let _ = self.app.happen(Message::Resumed(size));
    }

    /// A key, and all that were typed with it before they are drawn.
    async fn typed(&mut self, tty: &mut Tty, input: input::Input) -> io::Result<Option<Ended>> {
        let (begun, mut next) = (Instant::now(), Some(input));
        while let Some(input) = next {
            self.data_only = false;
            let message = match input {
                input::Input::Lost => return self.signal(tty, Signal::HangUp),
                input::Input::Key(key) if Key::from(key) == Key::ctrl('z') => {
                    let size = tty.suspend()?;
                    self.resumed(size);
                    return Ok(None);
                }
                input::Input::Key(key) => Input::Key(Key::from(key)),
                input::Input::Burst(keys) => Input::Burst(keys.into_iter().map(Key::from).collect()),
                input::Input::Paste(text) => Input::Paste(text),
                input::Input::Mouse(event) => Input::Mouse(event),
                input::Input::Resize(size) => {
                    tty.resize(size);
                    Input::Resize(size)
                }
            };
            let effects = self.app.happen(Message::Input(message));
            if let Some(ended) = self.execute(tty, effects).await? {
                return Ok(Some(ended));
            }
            next = if begun.elapsed() < SLICE { tty.keyboard.ready().await } else { None };
        }
        Ok(None)
    }

    /// Executes effects: what concerns the terminal here, the rest in the runner.
    async fn execute(&mut self, tty: &mut Tty, effects: Vec<Effect>) -> io::Result<Option<Ended>> {
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Some(Ended::Quit)),
                Effect::Redraw => {
                    let size = tty.reclaim()?;
                    self.resumed(size);
                }
                Effect::Mouse(on) => tty.mouse(on)?,
                Effect::Clipboard(text) => self.copy(tty, &text).await?,
                Effect::Alert(AlertEffect::Signal(text)) => {
                    tty.along(&notify::sequence(&text, self.ways(), &self.app.start.caps));
                }
                Effect::Dump => self.dump(),
                Effect::CountFrames(before) => self.count_frames(tty, before),
                Effect::Login(_) => {
                    if let Some(signal) = self.sign_in(tty).await? {
                        return self.signal(tty, signal);
                    }
                }
                Effect::Pager(path) => {
                    if let Some(signal) = self.page_through(tty, &path).await? {
                        return self.signal(tty, signal);
                    }
                }
                Effect::Visit(VisitEffect::Lend(id, session, confirmed)) => {
                    if let Some(signal) = self.visit(tty, id, session, confirmed).await? {
                        return self.signal(tty, signal);
                    }
                }
                Effect::Visit(VisitEffect::Program(argv, stays)) => {
                    if let Some(signal) = self.program(tty, &argv, stays).await? {
                        return self.signal(tty, signal);
                    }
                }
                Effect::Editor(id, text) => {
                    if let Some(signal) = self.edit(tty, id, &text).await? {
                        return self.signal(tty, signal);
                    }
                }
                effect => self.app.runner.execute(effect),
            }
        }
        Ok(None)
    }

    async fn copy(&mut self, tty: &mut Tty, text: &str) -> io::Result<()> {
        let plan = Plan::new(text, &self.app.start.caps);
        let sent = if let Some(sent) = plan.through_tmux().await {
            sent
        } else {
            tty.send(&plan.sequence())?;
            plan.sent()
        };
        self.tell(Tone::Good, sent.to_string());
        Ok(())
    }

    /// How the terminal tells of alerts.
    fn ways(&self) -> Ways {
        let wanted = |signal| self.app.model.alert.settings.signals.contains(&signal);
        let [bell, osc9, osc777] = [AlertSignal::Bell, AlertSignal::Osc9, AlertSignal::Osc777].map(wanted);
        Ways { bell, osc9, osc777 }
    }

    fn count_frames(&mut self, tty: &Tty, before: Drawn) {
        let (written, at) = (tty.written(), self.app.now());
        let seconds = u64::from(at.since(before.at));
        let rate = |now: u64, then: u64| now.saturating_sub(then) / seconds.max(1);
        let known = before.frames > 0 && seconds > 0;
        let drawn = Drawn {
            frames: written.frames,
            bytes: written.bytes,
            last_bytes: written.last_bytes,
            rate: known.then(|| (rate(written.frames, before.frames), rate(written.bytes, before.bytes))),
            at,
        };
        // Counting has no effects.
        let _ = self.app.happen(Message::Drawn(drawn));
    }

    /// Writes the screen below the overlays to a file.
    fn dump(&mut self) {
        let Some(paths) = &self.app.start.paths else {
            return self.tell(Tone::Warn, "No directory for state is known: nothing was written".to_owned());
        };
        let name = format!("screen-{}.txt", self.app.now().to_string().replace(':', ""));
        let dir = paths.state.join("screens");
        let path = dir.join(&name);
        let text = screen_text(&self.app.screen());
        let written = atomic::make_dir(&dir).and_then(|()| atomic::write(&path, text.as_bytes()));
        match written {
            // The name first: on a narrow screen the end is cut off.
            Ok(()) => self.tell(Tone::Good, format!("{name}, {} bytes, is in {}", text.len(), dir.display())),
            Err(problem) => self.tell(Tone::Bad, problem.to_string()),
        }
    }

    fn tell(&mut self, tone: Tone, text: String) {
        // Telling has no effects.
        let _ = self.app.happen(Message::Told(Told { tone, text }));
    }
}

impl App {
    /// The screen as it would be drawn.
    pub(super) fn screen(&self) -> Buffer {
        let Size { width, height } = self.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        view(&self.model, &self.start.theme, &mut buffer);
        buffer
    }
}

/// Waits for data; not at all if there is some left.
pub(super) async fn data(mailbox: Option<&Mailbox>, more: bool) {
    match mailbox {
        Some(_) if more => {}
        Some(mailbox) => mailbox.changed().await,
        None => std::future::pending().await,
    }
}

/// Waits for a moment, or for ever.
pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
