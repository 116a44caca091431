// Search beside each hit shows a piece of its page, which a double-clicked page may not fetch: there, titles alone.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
