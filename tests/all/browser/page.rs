//! A report in a browser, and what a reader does with it.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::chromium::Chromium;

/// A report that is open.
pub struct Page {
    chromium: Chromium,
    /// Its address.
    url: String,
    /// What pictures of it are called.
    name: &'static str,
}

/// Finds text that is cut off, that lies outside of its drawing, or on other text.
const CLIPPED: &str = include_str!("clipped.js");

impl Page {
    /// Opens the report of a results directory.
    pub fn open(program: &str, dir: &Path, name: &'static str) -> Page {
        let url = format!("file://{}", dir.join("report.html").display());
        let mut page = Page { chromium: Chromium::start(program), url, name };
        page.size(1280, 900);
        let url = page.url.clone();
        page.chromium.ask("Page.navigate", json!({ "url": url }));
        page.chromium.wait_for("Page.loadEventFired");
        page
    }

    /// The value of an expression of JavaScript.
    pub fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let said = self.chromium.ask("Runtime.evaluate", params);
        assert!(said["exceptionDetails"].is_null(), "{expression}: {said}");
        said["result"]["value"].clone()
    }

    /// The same, as text.
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().map_or_else(|| value.to_string(), str::to_string)
    }

    /// The same, as a number.
    pub fn number(&mut self, expression: &str) -> f64 {
        self.value(expression).as_f64().unwrap_or(f64::NAN)
    }

    /// Shows it in a window of that size.
    pub fn size(&mut self, width: u32, height: u32) {
        let params = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.chromium.ask("Emulation.setDeviceMetricsOverride", params);
        self.settle();
    }

    /// Says which theme the system has.
    pub fn system_theme(&mut self, theme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": theme }]);
        self.chromium.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
        self.settle();
    }

    /// Waits until two pictures were drawn: what a new size asks for is done then.
    fn settle(&mut self) {
        let frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))";
        self.value(frames);
    }

    /// Presses an element with the mouse.
    pub fn click(&mut self, selector: &str) {
        let at = self.middle_of(selector);
        for kind in ["mousePressed", "mouseReleased"] {
            self.mouse(kind, at, 1);
        }
        self.settle();
    }

    /// Points at an element.
    pub fn point_at(&mut self, selector: &str) {
        let at = self.middle_of(selector);
        self.mouse("mouseMoved", at, 0);
        self.settle();
    }

    fn mouse(&mut self, kind: &str, (x, y): (f64, f64), clicks: u32) {
        let button = if clicks > 0 { "left" } else { "none" };
        let params =
            json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": clicks });
        self.chromium.ask("Input.dispatchMouseEvent", params);
    }

    fn middle_of(&mut self, selector: &str) -> (f64, f64) {
        let rect = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); \
             it.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const box = it.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        let side = |index: usize| rect[index].as_f64().expect("an element that is shown");
        (side(0), side(1))
    }

    /// Presses a key.
    pub fn key(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            other => panic!("no code for {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let params =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            self.chromium.ask("Input.dispatchKeyEvent", params);
        }
        self.settle();
    }

    /// What is printed of it.
    pub fn pdf(&mut self) -> Vec<u8> {
        let said = self.chromium.ask("Page.printToPDF", json!({ "printBackground": true }));
        let bytes = STANDARD.decode(said["data"].as_str().unwrap_or_default()).expect("base64");
        fs::write(self.shots().join(format!("{}.pdf", self.name)), &bytes).expect("a file");
        bytes
    }

    /// A picture of the whole page, to be looked at.
    pub fn picture(&mut self, what: &str) {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let said = self.chromium.ask("Page.captureScreenshot", params);
        let bytes = STANDARD.decode(said["data"].as_str().unwrap_or_default()).expect("base64");
        fs::write(self.shots().join(format!("{}-{what}.png", self.name)), bytes).expect("a file");
    }

    /// Where pictures are left.
    fn shots(&self) -> PathBuf {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        fs::create_dir_all(&dir).expect("a directory");
        dir
    }

    /// What of its text is cut off, lies on other text, or makes the page wider than its window.
    pub fn unreadable(&mut self) -> Vec<String> {
        let found = self.value(CLIPPED);
        let found = found.as_array().expect("a list").iter();
        found.map(|it| it.as_str().unwrap_or_default().to_string()).collect()
    }

    /// All of its text can be read.
    pub fn has_whole_text(&mut self, when: &str) {
        let found = self.unreadable();
        assert!(found.is_empty(), "{}, {when}: {found:#?}", self.name);
    }

    /// Shows it as paper would, for a picture.
    pub fn on_paper(&mut self) {
        self.chromium.ask("Emulation.setEmulatedMedia", json!({ "media": "print" }));
        self.value("dispatchEvent(new Event('beforeprint'))");
        // The width of A4 between Chromium's margins.
        self.size(718, 1000);
        self.has_whole_text("on paper");
        self.picture("print");
        self.value("dispatchEvent(new Event('afterprint'))");
        self.chromium.ask("Emulation.setEmulatedMedia", json!({ "media": "" }));
        self.size(1280, 900);
    }

    /// What somebody complained of, and what was asked for besides the file.
    pub fn complaints(&mut self) -> Vec<Value> {
        let url = self.url.clone();
        let is_complaint = |event: &Value| match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" => true,
            "Page.javascriptDialogOpening" | "Log.entryAdded" => true,
            "Network.requestWillBeSent" => event["params"]["request"]["url"].as_str() != Some(&url),
            _ => false,
        };
        self.chromium.events().into_iter().filter(is_complaint).collect()
    }

    /// Nobody complained, and nothing but the file was asked for.
    pub fn was_quiet(&mut self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "{}: {complaints:#?}", self.name);
    }
}
