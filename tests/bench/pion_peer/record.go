package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/ivfwriter"
	"github.com/pion/webrtc/v3/pkg/media/oggwriter"
)

type recorder struct {
	api   *webrtc.API
	out   string
	mutex sync.Mutex
	last  int
	open  map[string]*webrtc.PeerConnection // by resource path
}

// record serves WHIP (POST /whip, DELETE the resource) and writes VP8 to .ivf and Opus to .ogg.
func record(args []string) error {
	flags := flag.NewFlagSet("record", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:8082", "address to listen on")
	out := flags.String("out", ".", "folder for the files")
	flags.Parse(args)
	api, err := newAPI()
	if err != nil {
		return err
	}
	r := &recorder{api: api, out: *out, open: map[string]*webrtc.PeerConnection{}}
	http.HandleFunc("/whip", r.post)
	http.HandleFunc("/whip/", r.delete)
	return http.ListenAndServe(*listen, nil)
}

func (r *recorder) post(w http.ResponseWriter, request *http.Request) {
	offer, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err != nil || request.Method != http.MethodPost {
		http.Error(w, "POST an offer", http.StatusBadRequest)
		return
	}
	resource, answer, err := r.join(string(offer))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", resource)
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, answer)
}

func (r *recorder) delete(w http.ResponseWriter, request *http.Request) {
	r.mutex.Lock()
	pc := r.open[request.URL.Path]
	delete(r.open, request.URL.Path)
	r.mutex.Unlock()
	if pc == nil || request.Method != http.MethodDelete {
		http.Error(w, "no such session", http.StatusNotFound)
		return
	}
	pc.Close()
}

func (r *recorder) join(offer string) (resource, answer string, err error) {
	pc, err := r.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", "", err
	}
	r.mutex.Lock()
	r.last++
	name := strconv.Itoa(r.last)
	resource = "/whip/" + name
	r.open[resource] = pc
	r.mutex.Unlock()
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if err := write(track, filepath.Join(r.out, name)); err != nil {
			log.Printf("session %s: %v", name, err)
		}
	})
	theirs := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err = pc.SetRemoteDescription(theirs); err != nil {
		return "", "", err
	}
	ours, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", "", err
	}
	answer, err = localDescription(pc, ours)
	return resource, answer, err
}

func write(track *webrtc.TrackRemote, path string) error {
	var file media.Writer
	var err error
	switch mime := track.Codec().MimeType; {
	case strings.EqualFold(mime, webrtc.MimeTypeVP8):
		file, err = ivfwriter.New(path + ".ivf")
	case strings.EqualFold(mime, webrtc.MimeTypeOpus):
		file, err = oggwriter.New(path+".ogg", 48000, 2)
	default:
		err = fmt.Errorf("cannot write %s", mime)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return nil // the track has ended
		}
		if err := file.WriteRTP(packet); err != nil {
			return err
		}
	}
}
