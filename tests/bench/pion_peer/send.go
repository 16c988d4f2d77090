package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"time"
)

// report prints one JSON line for the program that drives us.
func report(fields map[string]any) error { return json.NewEncoder(os.Stdout).Encode(fields) }

type load struct {
	flags        *flag.FlagSet
	url          *string
	video, audio *string
}

func newLoad(verb string) *load {
	f := flag.NewFlagSet(verb, flag.ExitOnError)
	return &load{f, f.String("url", "", "WHIP endpoint"), f.String("video", "", "VP8 in IVF"),
		f.String("audio", "", "Opus in Ogg, a packet a page")}
}

// send opens sessions one after the other, then plays one feed into all of them.
func send(args []string) error {
	l := newLoad("send")
	count := l.flags.Int("sessions", 1, "sessions to open")
	seconds := l.flags.Int("seconds", 20, "how long to play once all are open")
	l.flags.Parse(args)
	feed, err := loadFeed(*l.video, *l.audio)
	if err != nil {
		return err
	}
	api, err := newAPI()
	if err != nil {
		return err
	}
	video, audio, err := newTracks()
	if err != nil {
		return err
	}
	var open []*session
	for i := 0; i < *count; i++ {
		s, err := join(api, *l.url, video, audio)
		if err != nil {
			return err
		}
		open = append(open, s)
	}
	report(map[string]any{"event": "connected", "sessions": len(open)})
	stop := make(chan struct{})
	time.AfterFunc(time.Duration(*seconds)*time.Second, func() { close(stop) })
	feed.play(video, audio, stop)
	for _, s := range open {
		if err := s.leave(); err != nil {
			log.Print(err) // a recorder without DELETE can still be measured under load
		}
	}
	return report(map[string]any{"event": "done"})
}

// rounds joins, plays the feed from its first key frame and leaves, again and again. Each line it
// prints says when the offer was posted and how long the connection took.
func rounds(args []string) error {
	l := newLoad("rounds")
	count := l.flags.Int("rounds", 10, "how often")
	hold := l.flags.Duration("hold", time.Second, "how long to play in each round")
	l.flags.Parse(args)
	feed, err := loadFeed(*l.video, *l.audio)
	if err != nil {
		return err
	}
	api, err := newAPI()
	if err != nil {
		return err
	}
	for i := 1; i <= *count; i++ {
		video, audio, err := newTracks()
		if err != nil {
			return err
		}
		s, err := join(api, *l.url, video, audio)
		if err != nil {
			return err
		}
		connected := time.Now()
		stop := make(chan struct{})
		time.AfterFunc(*hold, func() { close(stop) })
		feed.play(video, audio, stop)
		if err := s.leave(); err != nil {
			return err
		}
		report(map[string]any{"event": "round", "round": i, "posted_ns": s.posted.UnixNano(),
			"connect_ms": float64(connected.Sub(s.posted)) / 1e6, "resource": s.resource})
	}
	return nil
}
