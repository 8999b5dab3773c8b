//! A console without a terminal, on the sim in this process.

use std::sync::Arc;
use std::time::Duration;

use mpideck::cluster::kubeconfig::Loaded;
use mpideck::cluster::target::Now;
use mpideck::cluster::{Dial, Target};
use mpideck::config::Config;
use mpideck::console::effect::Effect;
use mpideck::console::key;
use mpideck::console::keymap::Keymap;
use mpideck::console::message::{Input, Message};
use mpideck::console::model::Model;
use mpideck::console::model::session::Scope;
use mpideck::console::runner::Runner;
use mpideck::console::start::Start;
use mpideck::console::theme::Theme;
use mpideck::console::update::update;
use mpideck::console::view::{screen_text, view};
use mpideck::jobs::causes::Rules;
use mpideck::jobs::{Name, Secs};
use mpideck::sim::{Clock, Sim};
use mpideck::term::caps::Caps;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use serde_json::Value;
use tokio::sync::mpsc;

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A console without a terminal: model, runner and session as the loop joins them.
pub(crate) struct Deck {
    pub(crate) model: Model,
    pub(crate) runner: Runner,
    messages: mpsc::Receiver<Message>,
    theme: Theme,
    now: Now,
}

impl Deck {
    /// A console of this user that looks at namespace `vision`.
    pub(crate) fn new(sim: &Sim, user: &str) -> Self {
        Self::with(sim, user, |_| {})
    }

    /// The same, begun otherwise.
    pub(crate) fn with(sim: &Sim, user: &str, otherwise: impl FnOnce(&mut Start)) -> Self {
        let (kubeconfig, dial, clock): (Value, Dial, Clock) = (sim.kubeconfig(), sim.dial(), sim.clock());
        let user = user.to_owned();
        let mut start = Start {
            load: Arc::new(move || {
                let mut target = Target::new(Loaded::from_value(kubeconfig.clone())?.shared()).in_context(&user);
                target.dial = Some(dial.clone());
                Ok(target)
            }),
            scope: Some(Scope::Named(vec![Name::new("vision").unwrap()])),
            read_only: false,
            config: Config::default(),
            records: None,
            paths: None,
            caps: Caps::default(),
            rules: Rules::builtin().into(),
            keymap: Keymap::builtin("default").0.into(),
            user_commands: Vec::new().into(),
            theme: Theme::builtin("terminal", false).0,
            notes: Vec::new(),
            now: Arc::new(move || Secs::from(clock.now())),
            pager: "less".to_owned(),
            editor: "vi".to_owned(),
            draft: None,
        };
        otherwise(&mut start);
        let (now, theme) = (Arc::clone(&start.now), start.theme.clone());
        let mut model = Model::new(Size::new(120, 70), now(), Arc::clone(&start.keymap), Arc::clone(&start.rules));
        model.session.read_only_all = start.read_only;
        let (mut runner, messages) = Runner::new(start);
        runner.execute(Effect::Load);
        Self { model, runner, messages, theme, now }
    }

    pub(crate) fn happen(&mut self, mut message: Message) {
        if let Message::Loaded(loaded) = &mut message
            && let Some(target) = loaded.target.take()
        {
            self.runner.set_target(*target);
        }
        for effect in update(&mut self.model, message, (self.now)()) {
            self.runner.execute(effect);
        }
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        for key in key::sequence(keys).unwrap() {
            self.happen(Message::Input(Input::Key(key)));
        }
    }

    /// Lets the next thing happen.
    pub(crate) async fn step(&mut self) {
        let mailbox = self.runner.mailbox();
        let data = async {
            match &mailbox {
                Some(mailbox) => mailbox.changed().await,
                None => std::future::pending().await,
            }
        };
        let message = tokio::select! {
            biased;
            message = self.messages.recv() => message.expect("the runner lives"),
            () = data => Message::Fleet(mailbox.as_ref().map_or_else(Vec::new, |mailbox| mailbox.take(500))),
        };
        self.happen(message);
    }

    pub(crate) async fn until(&mut self, what: &str, so: impl Fn(&Model) -> bool) {
        let patience = async {
            while !so(&self.model) {
                self.step().await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, patience).await.is_ok();
        assert!(came, "{what}: not so; there is\n{}", self.screen());
    }

    /// Lets happen what happens for so long.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let all = async {
            loop {
                self.step().await;
            }
        };
        let _ = tokio::time::timeout(time, all).await;
    }

    /// Lets happen what happens until there are no more tasks than this.
    pub(crate) async fn settled(&mut self, tasks: usize) {
        let end = async {
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > tasks {
                self.pass(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, end).await.expect("tasks of the page end");
    }

    pub(crate) fn screen(&self) -> String {
        let Size { width, height } = self.model.size;
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        view(&self.model, &self.theme, &mut buf);
        screen_text(&buf)
    }
}
