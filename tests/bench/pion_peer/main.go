// pion_peer is the other end in callbot's benchmarks, made with Pion: "record" is the yardstick,
// a WHIP endpoint that writes what it receives; "send" brings the load, N sessions of one feed.
package main

import (
	"fmt"
	"os"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

const usage = `usage: pion_peer record --listen 127.0.0.1:PORT --out DIR
       pion_peer send --url URL --video FILE.ivf --audio FILE.ogg [--sessions N] [--seconds S]
       pion_peer rounds --url URL --video FILE.ivf --audio FILE.ogg [--rounds N] [--hold DURATION]`

func main() {
	verbs := map[string]func(args []string) error{"record": record, "send": send, "rounds": rounds}
	if len(os.Args) < 2 || verbs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := verbs[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "pion_peer %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// newAPI is Pion as it comes (default codecs, NACK, reports, transport-cc), on IPv4 and with
// loopback candidates, since a benchmark may run where there is no other interface.
func newAPI() (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	chain := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, chain); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain),
		webrtc.WithSettingEngine(settings)), nil
}

// localDescription applies ours and waits until every candidate stands in it (no trickle).
func localDescription(pc *webrtc.PeerConnection, ours webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(ours); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}
