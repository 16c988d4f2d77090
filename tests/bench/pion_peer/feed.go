package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/ivfreader"
	"github.com/pion/webrtc/v3/pkg/media/oggreader"
)

// feed is encoded media in memory; it begins with a key frame and is played in a loop.
type feed struct {
	video []media.Sample
	audio []media.Sample
}

func loadFeed(videoPath, audioPath string) (*feed, error) {
	f := &feed{}
	if err := f.loadVideo(videoPath); err != nil {
		return nil, fmt.Errorf("%s: %w", videoPath, err)
	}
	if err := f.loadAudio(audioPath); err != nil {
		return nil, fmt.Errorf("%s: %w", audioPath, err)
	}
	return f, nil
}

func (f *feed) loadVideo(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, head, err := ivfreader.NewWith(file)
	if err != nil {
		return err
	}
	length := time.Second * time.Duration(head.TimebaseNumerator) /
		time.Duration(head.TimebaseDenominator)
	for {
		data, _, err := reader.ParseNextFrame()
		if err == io.EOF && len(f.video) > 0 {
			return nil
		} else if err != nil {
			return err
		}
		f.video = append(f.video, media.Sample{Data: data, Duration: length})
	}
}

// loadAudio wants one Opus packet a page.
func (f *feed) loadAudio(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, _, err := oggreader.NewWith(file)
	if err != nil {
		return err
	}
	for last := uint64(0); ; {
		data, head, err := reader.ParseNextPage()
		if err == io.EOF && len(f.audio) > 0 {
			return nil
		} else if err != nil {
			return err
		}
		if head.GranulePosition == 0 { // the comment header
			continue
		}
		length := time.Duration(head.GranulePosition-last) * time.Second / 48000
		last = head.GranulePosition
		f.audio = append(f.audio, media.Sample{Data: data, Duration: length})
	}
}

// play writes both, from the first frame on and at their own pace, until stop is closed.
func (f *feed) play(video, audio *webrtc.TrackLocalStaticSample, stop <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		playOne(f.audio, audio, stop)
		close(done)
	}()
	playOne(f.video, video, stop)
	<-done
}

func playOne(samples []media.Sample, track *webrtc.TrackLocalStaticSample, stop <-chan struct{}) {
	due := time.Now()
	for i := 0; ; i = (i + 1) % len(samples) {
		track.WriteSample(samples[i]) // a session that is gone is told by its connection state
		due = due.Add(samples[i].Duration)
		select {
		case <-stop:
			return
		case <-time.After(time.Until(due)):
		}
	}
}
