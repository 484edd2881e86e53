package bus

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// ErrListen is what [StartServer] and [Open] return when the server cannot listen where it is told.
var ErrListen = errors.New("cannot listen")

const (
	defaultListen       = "127.0.0.1:0"
	defaultSyncInterval = 100 * time.Millisecond
	// Memory means that nothing has to be on disk; the server's timers still run.
	memorySyncInterval = 2 * time.Minute
)

// ServerConfig says how a NATS server runs with JetStream in this process. The zero value keeps its data in
// [DefaultDataDir] and listens on a free port of this machine.
//
// What was acknowledged survives the death of the process, kill -9 included, with every setting but Memory. What
// survives a power cut or a crash of the operating system is a choice: by default all but the last 100 ms.
type ServerConfig struct {
	// DataDir holds the data. One server has it at a time. Default: [DefaultDataDir].
	DataDir string
	// Listen is the host:port for clients; port 0 is a free one, no host all addresses of the machine. The server asks
	// nobody who they are: whoever reaches the port may do everything. Default: 127.0.0.1:0.
	Listen string
	// InProcessOnly makes the server listen nowhere. It then also runs in a bubble of testing/synctest, if
	// server/ats.Register of nats-server was called outside of all bubbles.
	InProcessOnly bool
	// WebSocket is a second host:port, for browsers, written like Listen: a listener without TLS, for pages on this
	// machine and for development. It asks nobody who they are either. Default: none.
	WebSocket string
	// WebSocketOrigins are the pages that may connect to WebSocket, each as http://host:port, spelt as the browser shows
	// it: localhost is not 127.0.0.1. Pages from anywhere else are refused, or any site that is open in a browser on this
	// machine could call the actors; clients that are no browsers are not asked. Default: pages of WebSocket's own
	// host:port, which is where a proxy puts them.
	WebSocketOrigins []string
	// Memory is for tests: nothing survives Shutdown. Streams that want files get them in a temporary directory, which
	// is never synced and is removed in the end.
	Memory bool

	// SyncAlways writes everything to the disk before it is acknowledged: a power cut loses nothing. A write then takes
	// about 0.3 ms on an SSD instead of 0.02 to 0.1 ms, and a stream some 5,000 of them a second instead of 100,000.
	SyncAlways bool
	// SyncInterval is how often everything is written to the disk otherwise: the most that a power cut loses. Down to
	// 10 ms it costs next to nothing. Default: 100 ms.
	SyncInterval time.Duration

	// Logger gets the server's warnings and errors. Default: the one of [Config] in Open, slog.Default in StartServer.
	Logger *slog.Logger
}

// Server is a NATS server in this process.
type Server struct {
	server   *server.Server
	dir      *dataDir
	url      string
	shutdown sync.Once

	websocketURL string
}

// StartServer starts a server and returns when it serves, JetStream included. With an error nothing is left running.
func StartServer(c ServerConfig) (*Server, error) {
	options, err := c.natsOptions()
	if err != nil {
		return nil, fmt.Errorf("starting a NATS server: %w", err)
	}
	dir, err := c.openDataDir()
	if err != nil {
		return nil, fmt.Errorf("starting a NATS server: %w", err)
	}
	options.StoreDir = dir.path
	srv, err := server.NewServer(options)
	if err != nil {
		dir.release()
		return nil, fmt.Errorf("starting a NATS server: %w", err)
	}
	log := &serverLog{logger: cmp.Or(c.Logger, slog.Default())}
	srv.SetLoggerV2(log, false, false, false)
	s := &Server{server: srv, dir: dir}
	srv.Start()
	if err := s.check(options, log.fatalError()); err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("starting a NATS server: %w", err)
	}
	if addr, ok := srv.Addr().(*net.TCPAddr); ok && !c.InProcessOnly {
		s.url = urlOf(addr)
		dir.announce(s.url)
	}
	if options.Websocket.Port != 0 {
		s.websocketURL = websocketURL(srv)
	}
	return s, nil
}

// Connect makes a connection within the process, which is faster than one to the URL. Of the config it uses Name,
// InboxPrefix, Timeout and Logger.
func (s *Server) Connect(c Config) (*nats.Conn, error) {
	options := append(c.withDefaults().clientOptions(), nats.InProcessServer(s.server),
		// The server takes what is written, or closes the connection, within a time of its own; a second clock costs a
		// twelfth of a call.
		nats.FlusherTimeout(0))
	nc, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("connecting within the process: %w", err)
	}
	return nc, nil
}

// InProcess is for nats.InProcessServer, the option of a connection within the process.
func (s *Server) InProcess() nats.InProcessConnProvider { return s.server }

// URL is where others can connect, or empty when the server listens nowhere.
func (s *Server) URL() string { return s.url }

// DataDir is the absolute path of the directory with the data, or empty when nothing survives.
func (s *Server) DataDir() string {
	if s.dir.lock == nil {
		return ""
	}
	return s.dir.path
}

// Shutdown ends the server and returns when all of it has ended. It can be called more than once.
func (s *Server) Shutdown() {
	s.shutdown.Do(func() {
		s.server.Shutdown()
		s.server.WaitForShutdown()
		s.dir.release()
	})
}

func (c ServerConfig) natsOptions() (*server.Options, error) {
	host, port, err := parseListen(cmp.Or(c.Listen, defaultListen))
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if c.SyncInterval < 0 {
		return nil, fmt.Errorf("the sync interval %s is negative", c.SyncInterval)
	}
	websocket, err := c.websocket()
	if err != nil {
		return nil, err
	}
	interval := cmp.Or(c.SyncInterval, defaultSyncInterval)
	if c.Memory {
		interval = memorySyncInterval
	}
	return &server.Options{
		ServerName:             "troupe-" + strings.ReplaceAll(programName(), " ", "-"), // the server allows no spaces
		Host:                   host,
		Port:                   port,
		DontListen:             c.InProcessOnly,
		JetStream:              true,
		DisableJetStreamBanner: true,
		SyncAlways:             c.SyncAlways && !c.Memory,
		SyncInterval:           interval,
		NoSigs:                 true,
		// Of the subjects of a call each reply has one of its own, so the cache finds little; and each subscription with a
		// wildcard, as an actor that wakes makes one, goes through all of it.
		NoSublistCache: true,
		Websocket:      websocket,
	}, nil
}

func (c ServerConfig) openDataDir() (*dataDir, error) {
	if c.Memory {
		return temporaryDataDir()
	}
	path := c.DataDir
	if path == "" {
		var err error
		if path, err = DefaultDataDir(); err != nil {
			return nil, err
		}
	}
	return lockDataDir(path)
}

// check makes an error of what the server said when it gave up.
func (s *Server) check(options *server.Options, fatal error) error {
	var network *net.OpError
	switch {
	case errors.As(fatal, &network) && network.Op == "listen" && isAt(network.Addr, options.Websocket.Port):
		return fmt.Errorf("%w for WebSockets on %s: %w", ErrListen, network.Addr, fatal)
	case errors.As(fatal, &network) && network.Op == "listen":
		address := network.Addr
		return fmt.Errorf("%w on %s: if a server runs there already, set NATS_URL=nats://%[2]s to join it (%[3]w)",
			ErrListen, address, fatal)
	case fatal != nil:
		return fmt.Errorf("JetStream in %s: %w", s.dir.path, fatal)
	case !s.server.JetStreamEnabled():
		return fmt.Errorf("JetStream in %s did not start", s.dir.path)
	}
	return nil
}

// urlOf is where this machine reaches a listener that may be on all its addresses.
func urlOf(addr *net.TCPAddr) string {
	reachable := *addr
	if reachable.IP.IsUnspecified() {
		reachable.IP = net.IPv4(127, 0, 0, 1)
	}
	return "nats://" + reachable.String()
}

func isAt(addr net.Addr, port int) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.Port == port
}

// serverLog passes a server's warnings and errors on. What it has to say besides is for operators of a server.
type serverLog struct {
	logger *slog.Logger

	mu    sync.Mutex
	fatal error
}

func (l *serverLog) Noticef(string, ...any) {}
func (l *serverLog) Debugf(string, ...any)  {}
func (l *serverLog) Tracef(string, ...any)  {}

func (l *serverLog) Warnf(format string, args ...any) {
	if strings.HasPrefix(format, "Websocket not configured with TLS") { // as it was asked for
		return
	}
	l.logger.Warn("NATS server", "message", fmt.Sprintf(format, args...))
}

func (l *serverLog) Errorf(format string, args ...any) {
	l.logger.Error("NATS server", "message", fmt.Sprintf(format, args...))
}

// Fatalf keeps why the server gave up. It does not end the process, and the server goes on as far as it can.
func (l *serverLog) Fatalf(format string, args ...any) {
	fatal := fmt.Errorf(format, args...)
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			fatal = err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = cmp.Or(l.fatal, fatal)
}

func (l *serverLog) fatalError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}
