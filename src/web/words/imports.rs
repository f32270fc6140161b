//! What the import page says besides.

use super::words;
use crate::domain::lang::Lang;
use leptos::prelude::use_context;

words! { ImportWords;
    reading: "正在读取列表…", "Reading the list…";
    writing: "正在写入…", "Writing…";
    cancel: "取消", "Cancel";
    cancelled: "已取消，没有任何改动", "Cancelled; nothing was changed";
    imported: "导入完成", "Import finished";
    shortened: "过长，已截断", "Too long, shortened";
}

/// The phrases of the page being drawn.
pub fn import_words() -> &'static ImportWords {
    ImportWords::of(use_context::<Lang>().unwrap_or_default())
}
