//! The page around the data.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The page with gaps: `{{POLICY}}`, `{{STYLE}}`, `{{DATA}}`, `{{SCRIPTS}}`.
const PAGE: &str = include_str!("../../../assets/html/page.html");
const STYLE: &str = include_str!("../../../assets/html/style.css");

/// The charting library, and our own scripts, in the order in which they run.
const SCRIPTS: [&str; 2] = [
    include_str!("../../../assets/html/d3.min.js"),
    concat!(
        "\"use strict\";\n(() => {\n",
        include_str!("../../../assets/html/js/text.js"),
        include_str!("../../../assets/html/js/table.js"),
        include_str!("../../../assets/html/js/look.js"),
        include_str!("../../../assets/html/js/frame.js"),
        include_str!("../../../assets/html/js/hover.js"),
        include_str!("../../../assets/html/js/lines.js"),
        include_str!("../../../assets/html/js/strips.js"),
        include_str!("../../../assets/html/js/heat.js"),
        include_str!("../../../assets/html/js/crossings.js"),
        include_str!("../../../assets/html/js/plots.js"),
        include_str!("../../../assets/html/js/page.js"),
        "})();\n",
    ),
];

/// The whole file.
///
/// # Errors
/// Where the data cannot be written as JSON.
pub(super) fn page(data: &impl Serialize) -> serde_json::Result<String> {
    let json = escaped(&serde_json::to_string(data)?);
    let scripts: Vec<String> =
        SCRIPTS.iter().map(|script| format!("<script>{script}</script>")).collect();
    // The data last: what it says is not looked at again.
    Ok(PAGE
        .replace("{{POLICY}}", &policy())
        .replace("{{STYLE}}", STYLE)
        .replace("{{SCRIPTS}}", &scripts.join("\n"))
        .replacen("{{DATA}}", &json, 1))
}

/// The content security policy: nothing from outside, no script and no style sheet but those
/// that are here.
fn policy() -> String {
    let mut policy =
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src".to_string();
    let _ = write!(policy, " {}; script-src", hash(STYLE));
    for script in SCRIPTS {
        let _ = write!(policy, " {}", hash(script));
    }
    policy
}

/// The name of an element with that text in a policy.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// JSON in which nothing can end its element or begin another, and which is
/// JavaScript, too: these characters stand in its strings only.
pub(super) fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(safe, "\\u{:04x}", u32::from(letter));
            }
            other => safe.push(other),
        }
    }
    safe
}
