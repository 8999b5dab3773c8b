//! Lending the terminal: to the pager, to another editor, to a sign-in program, to a shell in a replica.

use std::{ffi::OsString, io, path::Path};

use super::{Console, Tone, Tty, passing};
use crate::{
    changes::Confirmed,
    cluster::session::login,
    console::{
        message::Message,
        model::{
            change::{ChangeId, ChangeMessage},
            draft::{DraftId, DraftMessage},
            session::SessionId,
        },
        runner::change,
        update,
    },
    disk::{atomic, drafts::MOST_BYTES},
    jobs::{Clean, Raw},
    term::{child, signals::Signal},
};

impl Console {
    /// Lends the terminal to a program of the user's, on this file. `Err`: told to end.
    async fn lend(&mut self, tty: &mut Tty, words: &str, path: &Path) -> io::Result<Result<io::Result<()>, Signal>> {
        let mut words = words.split_whitespace().map(OsString::from);
        let Some(name) = words.next() else { return Ok(Ok(Err(io::ErrorKind::NotFound.into()))) };
        let program = child::Program { name, args: words.chain([path.into()]).collect() };
        match tty.lend(program.run()).await? {
            child::Ended::Given((ended, size)) => {
                self.resumed(size);
                Ok(Ok(ended.map(drop)))
            }
            child::Ended::Told(signal) => Ok(Err(signal)),
        }
    }

    /// Lends the terminal to the pager; the file was made for it and goes with it. `Some`: told to end.
    pub(super) async fn page_through(&mut self, tty: &mut Tty, path: &Path) -> io::Result<Option<Signal>> {
        let words = self.app.start.pager.clone();
        let lent = self.lend(tty, &words, path).await;
        // It may be gone already: then there is nothing to remove.
        let _ = std::fs::remove_file(path);
        match lent? {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.tell(Tone::Bad, format!("{words} can't be started: {error}. Set $PAGER or `pager`."));
            }
            Err(signal) => return Ok(Some(signal)),
        }
        Ok(None)
    }

    /// Lends the terminal to another editor on a draft's text, and takes back what it made of it. `Some`: told to end.
    pub(super) async fn edit(&mut self, tty: &mut Tty, id: DraftId, text: &Raw) -> io::Result<Option<Signal>> {
        let Some(paths) = &self.app.start.paths else {
            self.tell(Tone::Warn, "No directory for state is known: there is no place for the file".to_owned());
            return Ok(None);
        };
        let path = paths.drafts().join(format!("editor-{}-{}.yaml", std::process::id(), id.0));
        if let Err(problem) = atomic::write(&path, text.for_writing().as_bytes()) {
            self.tell(Tone::Bad, problem.to_string());
            return Ok(None);
        }
        let words = self.app.start.editor.clone();
        let lent = self.lend(tty, &words, &path).await;
        let not_started = lent.as_ref().ok().and_then(|lent| lent.as_ref().ok()?.as_ref().err());
        let text = match not_started {
            Some(error) => Err(format!("{words} can't be started: {error}; set $VISUAL or $EDITOR")),
            // Also where we are told to end, or the terminal went away: what was saved until then is a person's text.
            None => edited(&path),
        };
        if text.is_ok() || not_started.is_some() {
            // An editor may have moved it away.
            let _ = std::fs::remove_file(&path);
        }
        let text = text.map(Raw::new).map_err(|why| Clean::new(&why));
        let effects = self.app.happen(Message::Draft(DraftMessage::Edited(id, text)));
        for effect in effects {
            self.app.runner.execute(effect);
        }
        Ok(lent?.err())
    }

    /// Lends the terminal to the sign-in program, then opens the session with what it brought. `Some`: told to end.
    pub(super) async fn sign_in(&mut self, tty: &mut Tty) -> io::Result<Option<Signal>> {
        let context = self.app.model.session.context.clone();
        let Some(target) = self.app.runner.target() else { return Ok(None) };
        let target = self.app.start.in_context(&target, &context);
        let (brought, size) = match tty.lend(login(&target)).await? {
            child::Ended::Given(given) => given,
            child::Ended::Told(signal) => return Ok(Some(signal)),
        };
        self.resumed(size);
        match brought {
            Ok(login) => {
                self.app.runner.set_target(target.with_login(login));
                let scope = Some(self.app.model.session.scope.clone());
                let effects = update::session::open(&mut self.app.model, context, scope);
                for effect in effects {
                    self.app.runner.execute(effect);
                }
            }
            Err(problem) => self.tell(Tone::Bad, format!("{}: {} {}", problem.what, problem.why, problem.hint)),
        }
        Ok(None)
    }

    /// Lends the terminal for a visit to a replica. `Some`: told to end.
    pub(super) async fn visit(
        &mut self,
        tty: &mut Tty,
        id: ChangeId,
        session: SessionId,
        confirmed: Confirmed,
    ) -> io::Result<Option<Signal>> {
        let Some(desk) = change::desk(&self.app.runner, session) else {
            change::no_connection(&self.app.runner, id, confirmed);
            return Ok(None);
        };
        let (report, size) = match tty.lend(Box::pin(passing::lent(&desk, confirmed))).await? {
            child::Ended::Given(given) => given,
            child::Ended::Told(signal) => return Ok(Some(signal)),
        };
        self.resumed(size);
        for effect in self.app.happen(Message::Change(ChangeMessage::Over(id, report))) {
            self.app.runner.execute(effect);
        }
        Ok(None)
    }

    /// Lends the terminal to a program of the user's own. `Some`: told to end.
    pub(super) async fn program(&mut self, tty: &mut Tty, argv: &[String], stays: bool) -> io::Result<Option<Signal>> {
        let (ended, size) = match tty.lend(Box::pin(passing::program(argv, stays))).await? {
            child::Ended::Given(given) => given,
            child::Ended::Told(signal) => return Ok(Some(signal)),
        };
        self.resumed(size);
        if let Err(problem) = ended {
            self.tell(Tone::Bad, format!("{problem}. {}", problem.hint));
        }
        Ok(None)
    }
}

/// What an editor made of a draft.
fn edited(path: &Path) -> Result<String, String> {
    let bytes = atomic::read(path, MOST_BYTES).map_err(|problem| problem.to_string())?;
    let bytes = bytes.ok_or_else(|| "the editor left no file".to_owned())?;
    let not_text = |_| format!("what the editor wrote is not UTF-8 text; it is in {}", path.display());
    String::from_utf8(bytes).map_err(not_text)
}
