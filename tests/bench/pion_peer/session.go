package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pion/webrtc/v3"
)

const deadline = 10 * time.Second // for one request, and for one connection to come up

// session is one published WHIP session.
type session struct {
	pc       *webrtc.PeerConnection
	up       chan struct{}
	posted   time.Time // when the offer was about to be posted
	resource string
}

func newTracks() (video, audio *webrtc.TrackLocalStaticSample, err error) {
	video, err = webrtc.NewTrackLocalStaticSample(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "feed")
	if err != nil {
		return nil, nil, err
	}
	audio, err = webrtc.NewTrackLocalStaticSample(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "feed")
	return video, audio, err
}

// join publishes the tracks at a WHIP endpoint and waits until the media path is open.
func join(api *webrtc.API, endpoint string, tracks ...webrtc.TrackLocal) (*session, error) {
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	s := &session{pc: pc, up: make(chan struct{})}
	if err := s.connect(endpoint, tracks); err != nil {
		pc.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) connect(endpoint string, tracks []webrtc.TrackLocal) error {
	for _, track := range tracks {
		sender, err := s.pc.AddTrack(track)
		if err != nil {
			return err
		}
		go drain(sender)
	}
	s.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(s.up)
		}
	})
	offer, err := s.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	ours, err := localDescription(s.pc, offer)
	if err != nil {
		return err
	}
	s.posted = time.Now()
	theirs, err := s.post(endpoint, ours)
	if err != nil {
		return err
	}
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: theirs}
	if err := s.pc.SetRemoteDescription(answer); err != nil {
		return err
	}
	select {
	case <-s.up:
		return nil
	case <-time.After(deadline):
		return errors.New("did not connect, state " + s.pc.ConnectionState().String())
	}
}

// drain reads RTCP, which is what makes Pion answer NACKs.
func drain(sender *webrtc.RTPSender) {
	for buffer := make([]byte, 1500); ; {
		if _, _, err := sender.Read(buffer); err != nil {
			return
		}
	}
}

func (s *session) post(endpoint, offer string) (answer string, err error) {
	response, body, err := do(http.MethodPost, endpoint, offer)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("POST %s: %s: %.200s", endpoint, response.Status, body)
	}
	location, err := response.Location()
	if err != nil {
		return "", err
	}
	s.resource = location.String()
	return body, nil
}

// leave ends the session at both ends.
func (s *session) leave() error {
	defer s.pc.Close()
	response, body, err := do(http.MethodDelete, s.resource, "")
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("DELETE %s: %s: %.200s", s.resource, response.Status, body)
	}
	return err
}

func do(method, address, body string) (*http.Response, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/sdp")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response, string(answer), err
}
