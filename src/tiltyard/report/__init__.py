"""What people read: leaderboards as a web site, Markdown and JSON."""
