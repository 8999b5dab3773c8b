//! A small shell that plays a container: a dozen commands over the pod's own facts. It starts no program.

use std::time::Duration;

use serde_json::Value;

use super::files::{Files, pack, unpack};
use super::smi::{Device, smi};
use super::words::{Follows, commands};

/// Bytes of input kept at most, of a line or an archive.
const MOST_INPUT: usize = 8 << 20;
/// Exit code of what was ended by TERM.
const TERMINATED: i32 = 137;
/// What no container has.
const NOT_FOUND: i32 = 127;

/// What a session has to do next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Write to stdout.
    Out(Vec<u8>),
    /// Write to stderr.
    Err(Vec<u8>),
    /// Wait.
    Sleep(Duration),
}

/// What the shell knows of its container.
pub(super) struct Container {
    pod: String,
    key: String,
    env: Vec<(String, String)>,
    /// Has `nvidia-smi`: the driver puts it where GPUs are asked for.
    gpus: bool,
    devices: Devices,
    files: Vec<(String, Vec<u8>)>,
}

/// What time it is, and the GPUs of the container with what they do then.
pub(super) type Devices = Box<dyn Fn() -> (jiff::Timestamp, Vec<Device>) + Send + Sync>;

/// What input is for.
enum Mode {
    /// One command, which has ended or is ended by the first input.
    Command,
    /// Lines of a shell.
    Lines(Vec<u8>),
    /// An archive to be unpacked below a directory.
    Archive(String, Vec<u8>),
    /// Sent back as it comes.
    Copy,
}

/// One session.
pub(super) struct Shell {
    container: Container,
    copied: Files,
    tty: bool,
    mode: Mode,
    stdin: bool,
    last: i32,
    ended: Option<i32>,
    steps: Vec<Step>,
}

impl Container {
    /// Of a pod as stored.
    pub(super) fn new(pod: &Value, name: &str, devices: Devices) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let all = pod["spec"]["containers"].as_array().into_iter().flatten();
        let own = all.into_iter().find(|c| c["name"] == name).unwrap_or(&Value::Null);
        let host = text(&pod["metadata"]["name"]);
        let mut env = vec![
            ("HOME".to_owned(), "/root".to_owned()),
            ("HOSTNAME".to_owned(), host.clone()),
            ("PATH".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ];
        let given = own["env"].as_array().into_iter().flatten();
        env.extend(given.filter_map(|e| Some((e["name"].as_str()?.to_owned(), e["value"].as_str()?.to_owned()))));
        let limit = &own["resources"]["limits"]["nvidia.com/gpu"];
        let gpus = limit.as_u64().or_else(|| limit.as_str()?.parse().ok()).is_some_and(|n| n > 0);
        let files = vec![
            ("/etc/hostname".to_owned(), format!("{host}\n").into_bytes()),
            ("/etc/os-release".to_owned(), b"PRETTY_NAME=\"played container\"\n".to_vec()),
        ];
        let key = format!("{}/{name}", text(&pod["metadata"]["uid"]));
        Self { pod: host, key, env, gpus, devices, files }
    }
}

impl Shell {
    pub(super) fn new(container: Container, copied: Files, tty: bool) -> Self {
        Self { container, copied, tty, mode: Mode::Command, stdin: false, last: 0, ended: None, steps: Vec::new() }
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<i32> {
        self.ended
    }

    /// Ends it: its container is gone.
    pub(super) fn kill(&mut self) {
        self.ended = Some(TERMINATED);
    }

    /// Begins with the command of the request.
    pub(super) fn start(&mut self, command: &[String], stdin: bool) -> Vec<Step> {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let program = words.first().map(|p| p.rsplit('/').next().unwrap_or(p)).unwrap_or_default();
        match (program, &words[words.len().min(1)..]) {
            ("sh" | "bash" | "ash" | "zsh", ["-c" | "-lc", line, ..]) => {
                let line = (*line).to_owned();
                self.stdin = stdin;
                self.line(&line);
                if !matches!(self.mode, Mode::Lines(_)) {
                    self.ended.get_or_insert(self.last);
                }
            }
            ("sh" | "bash" | "ash" | "zsh", _) if stdin => self.read_lines(),
            ("sh" | "bash" | "ash" | "zsh", _) => self.ended = Some(0),
            ("tar", args) if args.first().is_some_and(|a| a.contains('x')) => {
                let to = args.iter().position(|a| *a == "-C").and_then(|at| args.get(at + 1)).unwrap_or(&"/");
                self.mode = Mode::Archive((*to).to_owned(), Vec::new());
            }
            ("cat", []) if stdin => self.mode = Mode::Copy,
            _ => {
                self.last = self.command(&words);
                self.ended.get_or_insert(self.last);
            }
        }
        std::mem::take(&mut self.steps)
    }

    /// Takes input.
    pub(super) fn input(&mut self, bytes: &[u8]) -> Vec<Step> {
        match &mut self.mode {
            Mode::Command => {}
            Mode::Copy => self.out(bytes.to_vec()),
            Mode::Archive(to, archive) => {
                archive.extend_from_slice(bytes);
                if archive.len() > MOST_INPUT {
                    self.ended = Some(1);
                } else if let Some(files) = unpack(archive) {
                    let to = to.trim_end_matches('/').to_owned();
                    let fits = files
                        .into_iter()
                        .all(|(name, bytes)| self.copied.put(&self.container.key, &format!("{to}/{name}"), bytes));
                    self.ended = Some(i32::from(!fits));
                }
            }
            Mode::Lines(_) => self.type_in(bytes),
        }
        std::mem::take(&mut self.steps)
    }

    /// A shell that reads what comes.
    fn read_lines(&mut self) {
        self.mode = Mode::Lines(Vec::new());
        self.prompt();
    }

    /// There is no more input.
    pub(super) fn end_of_input(&mut self) -> Vec<Step> {
        if let Mode::Lines(rest) = &mut self.mode {
            let line = String::from_utf8_lossy(&std::mem::take(rest)).into_owned();
            self.line(&line);
        }
        let torn = matches!(self.mode, Mode::Archive(..));
        self.ended.get_or_insert(if torn { 2 } else { self.last });
        std::mem::take(&mut self.steps)
    }

    /// Keys of a person or lines of a pipe.
    fn type_in(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let Mode::Lines(line) = &mut self.mode else { return };
            match byte {
                b'\r' | b'\n' => {
                    let text = String::from_utf8_lossy(&std::mem::take(line)).into_owned();
                    self.echo(b"\r\n");
                    self.line(&text);
                    if self.ended.is_some() {
                        return;
                    }
                    self.prompt();
                }
                3 if self.tty => {
                    line.clear();
                    self.echo(b"^C\r\n");
                    self.prompt();
                }
                4 if self.tty && line.is_empty() => self.ended = Some(self.last),
                8 | 127 if self.tty => {
                    let erased: &[u8] = if line.pop().is_some() { b"\x08 \x08" } else { b"" };
                    self.echo(erased);
                }
                byte if line.len() < MOST_INPUT => {
                    line.push(byte);
                    self.echo(&[byte]);
                }
                _ => {}
            }
        }
    }

    fn prompt(&mut self) {
        if self.tty {
            let prompt = format!("root@{}:/# ", self.container.pod);
            self.steps.push(Step::Out(prompt.into_bytes()));
        }
    }

    fn echo(&mut self, bytes: &[u8]) {
        if self.tty {
            self.steps.push(Step::Out(bytes.to_vec()));
        }
    }

    fn out(&mut self, bytes: Vec<u8>) {
        self.steps.push(Step::Out(bytes));
    }

    /// Text, with the line ends of a terminal on one.
    fn say(&mut self, text: &str) {
        let text = if self.tty { text.replace('\n', "\r\n") } else { text.to_owned() };
        self.out(text.into_bytes());
    }

    /// The bytes of a file.
    fn show(&mut self, bytes: Vec<u8>) {
        if self.tty { self.say(&String::from_utf8_lossy(&bytes)) } else { self.out(bytes) }
    }

    fn complain(&mut self, text: &str) -> i32 {
        let end = if self.tty { "\r\n" } else { "\n" };
        self.steps.push(Step::Err(format!("{text}{end}").into_bytes()));
        1
    }

    /// Runs the commands of a line.
    fn line(&mut self, line: &str) {
        let last = self.last;
        let env = self.container.env.clone();
        let lookup = |name: &str| match name {
            "?" => last.to_string(),
            "$" => "1".to_owned(),
            _ => env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default(),
        };
        for (follows, words) in commands(line, &lookup) {
            let goes = match follows {
                Follows::Always => true,
                Follows::Success => self.last == 0,
                Follows::Failure => self.last != 0,
            };
            if goes && self.ended.is_none() {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.last = self.command(&words);
            }
        }
    }

    /// Runs one command; its exit code.
    fn command(&mut self, words: &[&str]) -> i32 {
        let Some((program, args)) = words.split_first() else { return 0 };
        match (program.rsplit('/').next().unwrap_or(program), args) {
            ("true" | ":" | "sync", _) => 0,
            ("command", ["-v", name, ..]) => i32::from(!matches!(*name, "sh" | "bash" | "tar" | "cat" | "ls")),
            ("exec", ["sh" | "bash"]) if self.stdin => {
                self.read_lines();
                0
            }
            ("false", _) => 1,
            ("echo", ["-n", args @ ..]) => self.said(&args.join(" ")),
            ("echo", args) => self.said(&format!("{}\n", args.join(" "))),
            ("hostname", _) => self.said(&format!("{}\n", self.container.pod)),
            ("pwd", _) => self.said("/\n"),
            ("whoami", _) => self.said("root\n"),
            ("id", _) => self.said("uid=0(root) gid=0(root) groups=0(root)\n"),
            ("env" | "printenv", _) => {
                let all: Vec<String> = self.container.env.iter().map(|(k, v)| format!("{k}={v}\n")).collect();
                self.said(&all.concat())
            }
            ("sleep", [time, ..]) => {
                let seconds = time.trim_end_matches('s').parse().ok().filter(|s| (0.0..=86_400.0).contains(s));
                self.steps.push(Step::Sleep(Duration::from_secs_f64(seconds.unwrap_or(0.0))));
                0
            }
            ("exit", args) => {
                let code = args.first().and_then(|code| code.parse().ok()).unwrap_or(self.last);
                self.ended = Some(code);
                code
            }
            ("cat", paths) => self.each(paths, "cat", Self::show),
            ("ls", args) => self.list(args),
            ("test" | "[", ["-d" | "-f" | "-e", path, ..]) => i32::from(self.found(path).is_empty()),
            ("tar", args) => self.archive(args),
            ("nvidia-smi", args) if self.container.gpus => {
                let (now, devices) = (self.container.devices)();
                let (said, code) = smi(&devices, args, &now.strftime("%a %b %e %H:%M:%S %Y").to_string());
                self.say(&said);
                code
            }
            ("sh" | "bash" | "ash", ["-c" | "-lc", line, ..]) => {
                let line = (*line).to_owned();
                self.line(&line);
                self.last
            }
            (name, _) => {
                self.complain(&format!("sh: {name}: not found"));
                NOT_FOUND
            }
        }
    }

    fn said(&mut self, text: &str) -> i32 {
        self.say(text);
        0
    }

    /// Files at a path or below it, the path itself first.
    fn found(&self, path: &str) -> Vec<(String, Vec<u8>)> {
        let path = format!("/{}", path.trim_start_matches("./").trim_matches('/'));
        let below = format!("{}/", path.trim_end_matches('/'));
        let copied = self.copied.of(&self.container.key);
        let all = self.container.files.iter().cloned().chain(copied);
        all.filter(|(name, _)| *name == path || name.starts_with(&below)).collect()
    }

    fn each(&mut self, paths: &[&str], program: &str, act: impl Fn(&mut Self, Vec<u8>)) -> i32 {
        let mut code = 0;
        for path in paths {
            let full = format!("/{}", path.trim_matches('/'));
            match self.found(path).into_iter().find(|(name, _)| *name == full) {
                Some((_, bytes)) => act(self, bytes),
                None => code = self.complain(&format!("{program}: {path}: No such file or directory")),
            }
        }
        code
    }

    fn list(&mut self, args: &[&str]) -> i32 {
        let path = args.iter().find(|a| !a.starts_with('-')).copied().unwrap_or("/");
        let found = self.found(path);
        if found.is_empty() {
            self.complain(&format!("ls: cannot access '{path}': No such file or directory"));
            return 2;
        }
        let full = format!("/{}", path.trim_matches('/'));
        let below = format!("{}/", full.trim_end_matches('/'));
        let mut names: Vec<&str> = found
            .iter()
            .map(|(name, _)| name.strip_prefix(&below).map_or(path, |rest| rest.split('/').next().unwrap_or(rest)))
            .collect();
        names.sort_unstable();
        names.dedup();
        self.said(&format!("{}\n", names.join("\n")))
    }

    /// `tar cf - PATH`, as `kubectl cp` asks for it.
    fn archive(&mut self, args: &[&str]) -> i32 {
        let paths: Vec<&str> = args.iter().skip(1).filter(|a| !a.starts_with('-') && **a != "-").copied().collect();
        let files: Vec<_> = paths.iter().flat_map(|path| self.found(path)).collect();
        if files.is_empty() {
            let path = paths.first().copied().unwrap_or_default();
            self.complain(&format!("tar: {path}: Cannot stat: No such file or directory"));
            return 2;
        }
        let named = files.iter().map(|(name, bytes)| (name.trim_start_matches('/'), bytes.as_slice()));
        let archive = pack(named);
        self.out(archive);
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shell(tty: bool) -> Shell {
        let pod = json!({"metadata": {"name": "pi-worker-0", "uid": "u"}, "spec": {"containers": [{"name": "c",
            "env": [{"name": "A", "value": "b"}], "resources": {"limits": {"nvidia.com/gpu": "2"}}}]}});
        let device = |used: f64| Device { memory: (used, 1.0, 81_920.0), ..Device::default() };
        let devices = move || (jiff::Timestamp::UNIX_EPOCH, vec![device(61_440.0), device(61_568.0)]);
        Shell::new(Container::new(&pod, "c", Box::new(devices)), Files::default(), tty)
    }

    fn run(command: &[&str]) -> (String, i32) {
        let mut shell = shell(false);
        let words: Vec<String> = command.iter().map(|w| (*w).to_owned()).collect();
        let text = told(&shell.start(&words, false));
        (text, shell.ended().unwrap_or(-1))
    }

    fn told(steps: &[Step]) -> String {
        let bytes = steps.iter().flat_map(|step| match step {
            Step::Out(bytes) | Step::Err(bytes) => bytes.clone(),
            Step::Sleep(_) => Vec::new(),
        });
        String::from_utf8(bytes.collect()).unwrap()
    }

    #[test]
    fn commands_answer_and_end_with_their_code() {
        for (command, said, code) in [
            (&["echo", "a", "b"][..], "a b\n", 0),
            (&["hostname"], "pi-worker-0\n", 0),
            (&["cat", "/etc/hostname"], "pi-worker-0\n", 0),
            (&["cat", "/no"], "cat: /no: No such file or directory\n", 1),
            (&["ls", "/etc"], "hostname\nos-release\n", 0),
            (&["sh", "-c", "echo $A; exit 3"], "b\n", 3),
            (&["/bin/bash", "-c", "false || echo $?"], "0\n", 0),
            (&["python"], "sh: python: not found\n", 127),
            (
                &["nvidia-smi", "--query-gpu=index,memory.used", "--format=csv,noheader,nounits"],
                "0, 61440\n1, 61568\n",
                0,
            ),
        ] {
            assert_eq!(run(command), (said.to_owned(), code), "{command:?}");
        }
    }

    #[test]
    fn a_terminal_echoes_prompts_and_ends_by_ctrl_d() {
        let mut shell = shell(true);
        assert_eq!(told(&shell.start(&["sh".to_owned()], true)), "root@pi-worker-0:/# ");
        let said = told(&shell.input(b"echp\x7fo x\r"));
        assert_eq!(said, "echp\x08 \x08o x\r\nx\r\nroot@pi-worker-0:/# ");
        shell.input(&[4]);
        assert_eq!(shell.ended(), Some(0));
    }

    #[test]
    fn what_is_copied_in_can_be_read_and_copied_out() {
        let files = Files::default();
        let mut first = Shell { copied: files.clone(), ..shell(false) };
        first.start(&["tar", "-xmf", "-", "-C", "/tmp"].map(str::to_owned), true);
        first.input(&pack([("a.txt", b"hello\n".as_slice())].into_iter()));
        assert_eq!(first.ended(), Some(0));
        let mut second = Shell { copied: files, ..shell(false) };
        let steps = second.start(&["tar", "cf", "-", "/tmp/a.txt"].map(str::to_owned), false);
        let Some(Step::Out(archive)) = steps.first() else { panic!("{steps:?}") };
        assert_eq!(unpack(archive).unwrap(), [("tmp/a.txt".to_owned(), b"hello\n".to_vec())]);
    }
}
