package serve

import (
	"io"
	"log/slog"
)

// newLogger makes the process's logger from DUBBOFN_LOG_LEVEL and DUBBOFN_LOG_FORMAT.
func newLogger(w io.Writer, c Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
