//! Makes one piece of the page like another, changing as little as possible: what has focus keeps it, what was typed
//! stays, and islands live on.

use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

/// Set by the user or by the browser part, not by the server.
const OWN: [&str; 2] = ["open", "data-busy"];

/// Makes `old` like `new`, which is used up.
pub fn morph(old: &Element, new: &Element) {
    if old.tag_name() == "LEPTOS-ISLAND" {
        return;
    }
    attributes(old, new);
    children(old, new);
}

fn attributes(old: &Element, new: &Element) {
    for name in names(new) {
        let value = new.get_attribute(&name).unwrap_or_default();
        if old.get_attribute(&name).as_deref() != Some(value.as_str()) {
            let _ = old.set_attribute(&name, &value);
        }
    }
    for name in names(old) {
        if !new.has_attribute(&name) && !OWN.contains(&name.as_str()) {
            let _ = old.remove_attribute(&name);
        }
    }
}

fn names(element: &Element) -> Vec<String> {
    element.get_attribute_names().iter().filter_map(|name| name.as_string()).collect()
}

fn children(old: &Element, new: &Element) {
    let mut at = old.first_child();
    while let Some(fresh) = new.first_child() {
        match partner(at.as_ref(), &fresh) {
            Some(held) => {
                if at.as_ref() == Some(&held) {
                    at = held.next_sibling();
                } else {
                    let _ = old.insert_before(&held, at.as_ref());
                }
                same(&held, &fresh);
                let _ = new.remove_child(&fresh);
            }
            None => {
                let _ = old.insert_before(&fresh, at.as_ref());
            }
        }
    }
    while let Some(left) = at {
        at = left.next_sibling();
        let _ = old.remove_child(&left);
    }
}

fn same(held: &Node, fresh: &Node) {
    match (held.dyn_ref::<Element>(), fresh.dyn_ref::<Element>()) {
        (Some(held), Some(fresh)) => morph(held, fresh),
        _ => {
            if held.node_value() != fresh.node_value() {
                held.set_node_value(fresh.node_value().as_deref());
            }
        }
    }
}

/// The node from here on that stands for the same thing: by its key where it has one, else the next of its kind.
fn partner(from: Option<&Node>, fresh: &Node) -> Option<Node> {
    let wanted = key(fresh);
    let mut at = from.cloned();
    while let Some(node) = at {
        if node.node_name() == fresh.node_name() && key(&node) == wanted {
            return Some(node);
        }
        // Without a key only the very next one will do.
        wanted.as_ref()?;
        at = node.next_sibling();
    }
    None
}

fn key(node: &Node) -> Option<String> {
    let element = node.dyn_ref::<Element>()?;
    // As attributes: a form's properties may be hidden by fields of the same name.
    element.get_attribute("data-key").or_else(|| element.get_attribute("id"))
}
