//! Chromium, driven over WebDriver: what a person sees, presses and hears.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rally_domain::url::{ParseError, Url};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A browser takes the better part of a core, so few run at once.
static ROOM: Semaphore = Semaphore::const_new(2);

/// The names of the rules that a page must keep: WCAG 2.2 AA, and what axe-core recommends beyond it.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// How a page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The width of the window in CSS pixels.
    pub width: u32,
    /// Whether the person prefers dark colours.
    pub dark: bool,
    /// Whether the system sets the colours.
    pub forced_colors: bool,
    /// Whether the person prefers no motion.
    pub reduced_motion: bool,
}

impl View {
    /// A phone, in light colours.
    pub const PHONE: Self = Self { width: 390, dark: false, forced_colors: false, reduced_motion: false };
    /// The smallest and a wide window, in light and in dark colours.
    pub const ALL: [Self; 4] = [
        Self { width: 320, ..Self::PHONE },
        Self { width: 1280, ..Self::PHONE },
        Self { width: 320, dark: true, ..Self::PHONE },
        Self { width: 1280, dark: true, ..Self::PHONE },
    ];
}

/// A command that the library does not know.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// A browser with a profile of its own. It ends when it is dropped.
pub struct Browser {
    /// The session.
    pub client: Client,
    _driver: Child,
    _profile: TempDir,
    _room: SemaphorePermit<'static>,
}

/// Starts the driver on a port that it chooses. It ends at once if another program takes the port before it listens.
async fn start_driver() -> (Child, u16) {
    for _ in 0..10 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver: ./scripts/test.sh installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return (driver, port.trim_end_matches('.').parse().unwrap());
            }
        }
    }
    panic!("chromedriver found no free port");
}

/// Whether an element went away before something was done to it, with the page or the part of it that it was on.
fn is_stale(done: Result<(), CmdError>) -> bool {
    let is_stale = done.as_ref().is_err_and(CmdError::is_stale_element_reference);
    if !is_stale {
        done.unwrap();
    }
    is_stale
}

impl Browser {
    /// Starts a browser that runs scripts.
    pub async fn start() -> Self {
        Self::start_with(true).await
    }

    /// Starts a browser, with or without scripts.
    ///
    /// # Panics
    /// If Chromium or its driver is missing. `scripts/test.sh` installs both.
    pub async fn start_with(scripts: bool) -> Self {
        let room = ROOM.acquire().await.unwrap();
        let profile = TempDir::new().unwrap();
        let (driver, port) = start_driver().await;
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
        ];
        let arguments: Vec<String> =
            arguments.map(str::to_owned).into_iter().chain([format!("--user-data-dir={}", profile.path().display())]).collect();
        let mut preferences = json!({"intl.accept_languages": "en"});
        if !scripts {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": arguments, "prefs": preferences},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        Self { client, _driver: driver, _profile: profile, _room: room }
    }

    /// Ends the session, so that Chromium ends too.
    pub async fn close(self) {
        self.client.clone().close().await.unwrap();
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let command = Extra { path: "goog/cdp/execute", body: json!({"cmd": command, "params": parameters}) };
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Shows pages in that way from now on.
    pub async fn show(&self, view: View) {
        let metrics = json!({"width": view.width, "height": 844, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": if view.dark { "dark" } else { "light" }},
            {"name": "forced-colors", "value": if view.forced_colors { "active" } else { "none" }},
            {"name": "prefers-reduced-motion", "value": if view.reduced_motion { "reduce" } else { "no-preference" }},
        ]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Writes times as on a computer with that language from now on.
    pub async fn writes_as_in(&self, locale: &str) {
        self.devtools("Emulation.setLocaleOverride", json!({"locale": locale})).await;
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The path of the page.
    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// The value of an expression in the page, once it has one: what it reads from may come a moment later.
    pub async fn value(&self, expression: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.client.execute(&format!("return {expression}"), Vec::new()).await {
                Ok(value) => return value,
                Err(error) => assert!(Instant::now() < deadline, "{expression}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a script in the page, also where the page may run none.
    pub async fn run(&self, script: &str) {
        self.client.execute(script, Vec::new()).await.unwrap();
    }

    /// The text of the first frame of the page. `None` while it is replaced.
    pub async fn framed(&self) -> Option<String> {
        let seen = match self.client.enter_frame(0).await {
            Ok(()) => self.client.execute("return document.body.innerText", Vec::new()).await.ok(),
            Err(_) => None,
        };
        self.client.issue_cmd(Extra { path: "frame", body: json!({"id": null}) }).await.unwrap();
        seen.and_then(|text| text.as_str().map(str::to_owned))
    }

    /// The element that a selector finds, once it is there.
    pub async fn find(&self, selector: &str) -> Element {
        match self.client.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("no {selector}: {error}\n{}", self.client.source().await.unwrap_or_default()),
        }
    }

    /// Types into a field.
    pub async fn fill(&self, selector: &str, text: &str) {
        while is_stale(self.find(selector).await.send_keys(text).await) {}
    }

    /// Clicks on an element.
    pub async fn click(&self, selector: &str) {
        while is_stale(self.find(selector).await.click().await) {}
    }

    /// Presses keys wherever the focus is.
    pub async fn press(&self, keys: &str) {
        match self.client.active_element().await {
            Ok(element) => element.send_keys(keys).await.unwrap(),
            Err(_) => self.find("body").await.send_keys(keys).await.unwrap(),
        }
    }

    /// Waits until an expression holds.
    pub async fn until(&self, expression: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let value: Result<Value, CmdError> = self.client.execute(&format!("return {expression}"), Vec::new()).await;
            match value {
                Ok(value) if !matches!(value, Value::Null | Value::Bool(false)) => return value,
                _ => assert!(Instant::now() < deadline, "{expression} does not hold in {}", self.client.source().await.unwrap()),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the console of the browser says since the last look: violations of the content policy and errors of scripts among it.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Extra { path: "se/log", body: json!({"type": "browser"}) }).await.unwrap();
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Checks that nothing is at another place once the scripts of a page are there, which come late on a slow line.
    pub async fn stands_still(&self, url: &str) {
        for width in [320, 390, 1280] {
            self.show(View { width, ..View::PHONE }).await;
            self.stands_still_as_shown(url).await;
        }
        self.show(View::PHONE).await;
    }

    async fn stands_still_as_shown(&self, url: &str) {
        let scripts = "performance.getEntriesByType('resource').filter(one => one.name.endsWith('.js') && one.responseStatus).length";
        let places = "[...document.querySelectorAll('body *')].map(one => [one, one.getBoundingClientRect()])";
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setBlockedURLs", json!({"urls": ["*.js"]})).await;
        self.open(url).await;
        assert_eq!(self.value(scripts).await, 0, "{url}");
        let before = self.value(&format!("{places}.map(([, {{x, y}}]) => [x, y])")).await;
        self.devtools("Network.setBlockedURLs", json!({"urls": []})).await;
        self.open(url).await;
        assert_ne!(self.value(scripts).await, 0, "{url}");
        let moved = format!(
            "return {places}.map(([one, {{x, y}}], index) => [one.outerHTML.slice(0, 100), arguments[0][index], [x, y]]).filter(([, before, now]) =>
                (before[0] || before[1]) && (now[0] || now[1]) && before + '' !== now + '')"
        );
        assert_eq!(self.client.execute(&moved, vec![before]).await.unwrap(), json!([]), "{url} moves");
        self.complaints().await;
    }

    /// Opens every page from now on as over an insecure connection: without the means to solve a challenge.
    pub async fn is_insecure(&self) {
        let script = "Object.defineProperty(Crypto.prototype, 'subtle', {get: () => undefined})";
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }

    /// Frees what no page needs any more.
    pub async fn collect_garbage(&self) {
        self.devtools("HeapProfiler.collectGarbage", json!({})).await;
    }

    /// Lets every page from now on share by the system, which ends with the error that the page keeps as `refusal`.
    pub async fn can_share(&self) {
        let script = "navigator.canShare = () => true; navigator.share = async () => { throw new DOMException('', window.refusal) }";
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }

    /// What axe-core has against the page. A contrast that it cannot tell counts, unless something else covers the text.
    pub async fn violations(&self) -> Vec<String> {
        self.run(&axe()).await;
        let script = format!(
            "const done = arguments[0]; document.querySelectorAll('details').forEach(one => one.open = true);
            // Colours change slowly with the view. One that runs for ever cannot be finished.
            const settle = () => document.getAnimations().forEach(one => {{ try {{ one.finish() }} catch {{}} }});
            requestAnimationFrame(() => requestAnimationFrame(() => {{
                settle();
                axe.run(document, {{runOnly: {{type: 'tag', values: {}}}}}).then(done);
            }}))",
            json!(RULES)
        );
        let found = self.client.execute_async(&script, Vec::new()).await.unwrap();
        let list = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let told = |rule: &Value, nodes: String| format!("{}: {nodes}", rule["id"].as_str().unwrap_or_default());
        // axe cannot tell a single digit, a field without a value, what is scrolled out of sight, and what lies under a bar that stays.
        let unseen = ["emptyValue", "shortTextContent", "elmPartiallyObscured", "bgOverlap"];
        let is_hidden = |node: &Value| node["any"][0]["data"]["messageKey"].as_str().is_some_and(|key| unseen.contains(&key));
        let open = list(&found["incomplete"]).into_iter().filter(|rule| rule["id"] == "color-contrast").filter_map(|rule| {
            let seen: Vec<Value> = list(&rule["nodes"]).into_iter().filter(|node| !is_hidden(node)).collect();
            (!seen.is_empty()).then(|| told(&rule, json!(seen).to_string()))
        });
        list(&found["violations"]).iter().map(|rule| told(rule, rule["nodes"].to_string())).chain(open).collect()
    }

    /// Checks that a page is accessible in every view, fits the window, and draws no complaint.
    pub async fn is_accessible(&self, page: &str) {
        self.is_accessible_in(page, View::ALL).await;
    }

    /// Checks that a page is accessible in some views, fits the window, and draws no complaint.
    pub async fn is_accessible_in(&self, page: &str, views: impl IntoIterator<Item = View>) {
        for view in views {
            self.show(view).await;
            assert_eq!(self.violations().await, [""; 0], "{page} in {view:?}");
            let width = self.value("document.documentElement.scrollWidth").await;
            assert!(width.as_u64().unwrap() <= u64::from(view.width), "{page} is {width} wide in {view:?}");
            self.keep(&format!("{page}-{}-{}", view.width, if view.dark { "dark" } else { "light" })).await;
        }
        self.show(View::PHONE).await;
        assert_eq!(self.complaints().await, [""; 0], "{page}");
    }

    /// Keeps a picture of the whole page in the folder `RALLY_SCREENSHOTS`, if it is set.
    pub async fn keep(&self, name: &str) {
        let Some(folder) = std::env::var_os("RALLY_SCREENSHOTS").map(PathBuf::from) else { return };
        let size = self.value("[innerWidth, Math.max(document.documentElement.scrollHeight, innerHeight)]").await;
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let picture = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.devtools("Page.captureScreenshot", picture).await;
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, picture["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

/// The source of axe-core.
fn axe() -> String {
    package("axe-core/axe.min.js")
}

/// A script of a package of npm.
///
/// # Panics
/// If it is missing. `scripts/test.sh` installs it.
pub fn package(script: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/node_modules").join(script);
    std::fs::read_to_string(path).unwrap_or_else(|_| panic!("{script} is missing: ./scripts/test.sh installs it"))
}
