//! The program as its user runs it, and a browser that shows nothing.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

/// A folder with a database, and the program run over it.
pub struct Desk {
    folder: tempfile::TempDir,
    /// A command that the program is run by.
    by: Vec<String>,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap(), by: Vec::new() }
    }

    /// The program is told of a file that grows too large, and not ended for it.
    pub fn told_of_large_files() -> Desk {
        Desk::after("trap '' XFSZ")
    }

    /// The program may open no more files than this, by either limit.
    pub fn with_open_files(limit: u32) -> Desk {
        Desk::after(&format!("ulimit -n {limit}"))
    }

    /// A shell does this first, and then becomes the program.
    fn after(first: &str) -> Desk {
        let by = ["sh", "-c", &format!("{first}; exec \"$0\" \"$@\"")].map(str::to_owned).to_vec();
        Desk { by, ..Desk::new() }
    }

    /// What the program makes is open to everybody, unless it says otherwise.
    pub fn without_umask() -> Desk {
        Desk::after("umask 000")
    }

    /// As by nohup.
    pub fn ignoring_hangup() -> Desk {
        Desk::after("trap '' HUP")
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    pub fn database(&self) -> String {
        format!("sqlite:{}", self.path().join("data/rollcall.db").display())
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_rollcall");
        let mut command = match self.by.as_slice() {
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            [] => Command::new(program),
        };
        command
            .args(args)
            .current_dir(self.path())
            .env("ROLLCALL_DATABASE", self.database())
            .env("LC_ALL", "C")
            .env_remove("LANG")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it where it is to succeed; returns its standard output.
    pub fn out(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it where it is to fail; returns the exit code and the one line on standard error.
    pub fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        assert!(!output.status.success(), "{args:?} went through");
        assert!(!said.contains("panicked"), "{said}");
        (output.status.code().unwrap(), said)
    }
}

/// Sends a process that was started here a signal, by its name without SIG.
pub fn signal(child: &Child, name: &str) {
    let signal = match name {
        "CONT" => Signal::CONT,
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "STOP" => Signal::STOP,
        "TERM" => Signal::TERM,
        _ => panic!("SIG{name} is not sent by any test yet"),
    };
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// A server that runs.
pub struct Server {
    pub child: Child,
    /// Host and port.
    pub addr: String,
    /// What makes the first account; empty where there is one.
    pub token: String,
    /// What it has said on standard error since it began to serve.
    pub said: Arc<Mutex<String>>,
}

impl Desk {
    /// Starts `serve` on a free port, reaching loopback.
    pub fn serve(&self, more: &[&str]) -> Server {
        let args = ["serve", "--addr", "127.0.0.1:0", "--allow-net", "127.0.0.0/8"];
        self.serve_with(&[&args, more].concat())
    }

    /// As [`Desk::serve`], with the first account made and signed in.
    pub fn serve_first_signed_in(&self) -> (Server, Browser) {
        let server = self.serve(&[]);
        let mut browser = server.browser();
        browser.set_up(&server);
        (server, browser)
    }

    /// Starts a command that serves, and waits until it says where.
    pub fn serve_with(&self, args: &[&str]) -> Server {
        let mut child = self.command(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let addr = lines.find_map(|line| after(&line, " is at http://")).expect("it says where it is");
        let said = Arc::new(Mutex::new(String::new()));
        let first = !self.out(&["user", "list"]).lines().any(|line| !line.is_empty());
        let token = if first {
            lines.find_map(|line| after(&line, "/setup?token=")).unwrap_or_default()
        } else {
            String::new()
        };
        let kept = said.clone();
        std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().extend([line.as_str(), "\n"])));
        Server { child, addr, token, said }
    }
}

fn after(line: &str, mark: &str) -> Option<String> {
    let rest = &line[line.find(mark)? + mark.len()..];
    rest.split_whitespace().next().map(str::to_owned)
}

/// What a process, all its threads, has used of the processors so far.
pub fn processor_time_of(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // proc(5): the name, in brackets, may hold spaces; utime and stime are the 14th and 15th, in hundredths.
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = |at: usize| after_name.split_whitespace().nth(at).unwrap().parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

impl Server {
    /// Kills it and waits.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// What it has used of the processors so far.
    pub fn processor_time(&self) -> Duration {
        processor_time_of(&self.child.id().to_string())
    }

    pub fn browser(&self) -> Browser {
        Browser::at_address(&self.addr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Sends requests and keeps cookies.
#[derive(Clone)]
pub struct Browser {
    addr: String,
    cookies: Vec<(String, String)>,
    /// Sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

impl Browser {
    /// A new one, for the server at an address.
    pub fn at_address(addr: &str) -> Browser {
        Browser { addr: addr.to_owned(), cookies: Vec::new(), headers: Vec::new() }
    }

    /// With its cookies at another server.
    pub fn at(&self, server: &Server) -> Browser {
        self.at_address_of(&server.addr)
    }

    /// With its cookies at another address.
    pub fn at_address_of(&self, addr: &str) -> Browser {
        Browser { addr: addr.to_owned(), ..self.clone() }
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    /// Posts a form, as scripts do: the answer is data.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encoded = |text: &str| {
            text.bytes()
                .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
                .collect::<String>()
        };
        let body: Vec<String> = fields.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
        self.ask("POST", path, "application/x-www-form-urlencoded", &body.join("&"))
    }

    /// Posts one part of a form of files, as scripts do.
    pub fn upload(&mut self, path: &str, name: &str, content: &str) -> Answer {
        let part =
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n--edge--\r\n");
        self.ask("POST", path, "multipart/form-data; boundary=edge", &part)
    }

    /// Makes the first account with the server's token.
    pub fn set_up(&mut self, server: &Server) {
        let password = "a long enough password";
        let fields = [("token", server.token.as_str()), ("name", "owner"), ("password", password), ("again", password)];
        let answer = self.post("/api/fn/set_up", &fields);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub fn sign_in(&mut self, password: &str) -> Answer {
        self.post("/api/fn/sign_in", &[("name", "owner"), ("password", password)])
    }

    fn ask(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.addr);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        if method == "POST" {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
            if !self.headers.iter().any(|(name, _)| *name == "Accept") {
                head.push_str("Accept: application/json\r\n");
            }
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = answer_of(&String::from_utf8_lossy(&answer));
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(held, _)| held != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        answer
    }
}

/// Takes an answer apart; chunks are put together.
fn answer_of(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect(head);
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let chunked = headers.iter().any(|(k, v)| k.eq_ignore_ascii_case("transfer-encoding") && v == "chunked");
    let body = if chunked { body.split("\r\n").skip(1).step_by(2).collect() } else { body.to_owned() };
    Answer { status, headers, body }
}
