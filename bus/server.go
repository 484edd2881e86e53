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

// ErrListen is the error of [StartServer] and [Open] when the server cannot listen at its address.
var ErrListen = errors.New("cannot listen")

const (
	defaultListen       = "127.0.0.1:0"
	defaultSyncInterval = 100 * time.Millisecond
	// With Memory nothing has to reach the disk; the server's timers still run.
	memorySyncInterval = 2 * time.Minute
)

// ServerConfig configures a NATS server with JetStream in this process. The zero value keeps its data in
// [DefaultDataDir] and listens on a free port of this machine.
//
// With every setting except Memory, what was acknowledged survives the death of the process, including kill -9. A power
// cut or a crash of the operating system loses the last 100 ms by default; SyncAlways and SyncInterval change that.
type ServerConfig struct {
	// DataDir is the directory with the data. One server can use it at a time. Default: [DefaultDataDir].
	DataDir string
	// Listen is the host:port for clients. Port 0 is a free port; no host means all addresses of the machine. The
	// server does not authenticate: whoever reaches the port may do everything. Default: 127.0.0.1:0.
	Listen string
	// InProcessOnly makes the server listen nowhere. It can then also run in a bubble of testing/synctest, if
	// server/ats.Register of nats-server was called outside of all bubbles.
	InProcessOnly bool
	// WebSocket is a second host:port, for browsers, written like Listen. It has no TLS and does not authenticate
	// either: use it for pages on this machine and for development. Default: none.
	WebSocket string
	// WebSocketOrigins are the origins of the pages that may connect to WebSocket, each as http://host:port, spelt as
	// the browser shows it: localhost is not 127.0.0.1. Pages from elsewhere are refused; otherwise any site that is
	// open in a browser on this machine could call the actors. Clients that are no browsers are not checked. Default:
	// WebSocket's own host:port, which is what a proxy in front makes it.
	WebSocketOrigins []string
	// Memory is for tests: nothing survives Shutdown. Streams with file storage use a temporary directory, which is
	// never synced and is removed in the end.
	Memory bool

	// SyncAlways syncs everything to the disk before it is acknowledged: a power cut loses nothing. A write then takes
	// about 0.3 ms on an SSD instead of 0.02 to 0.1 ms, and a stream takes some 5,000 writes a second instead of
	// 100,000.
	SyncAlways bool
	// SyncInterval is how often everything is synced to the disk otherwise: the most that a power cut loses. Down to 10
	// ms it costs next to nothing. Default: 100 ms.
	SyncInterval time.Duration

	// Logger gets the server's warnings and errors. Default: in Open that of [Config], in StartServer slog.Default.
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

// StartServer starts a server, and returns when it serves, including JetStream. With an error, nothing is left running.
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

// Connect connects within the process, which is faster than through the URL. Of the config it uses Name, InboxPrefix,
// Timeout and Logger.
func (s *Server) Connect(c Config) (*nats.Conn, error) {
	options := append(c.withDefaults().clientOptions(), nats.InProcessServer(s.server),
		// The server itself limits how long a write may take, and then closes the connection. A second deadline here
		// would cost a twelfth of a call.
		nats.FlusherTimeout(0))
	nc, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("connecting within the process: %w", err)
	}
	return nc, nil
}

// InProcess is the argument of nats.InProcessServer, the option for a connection within the process.
func (s *Server) InProcess() nats.InProcessConnProvider { return s.server }

// URL is where other programs can connect. It is empty when the server does not listen.
func (s *Server) URL() string { return s.url }

// DataDir is the absolute path of the data directory. It is empty when nothing survives.
func (s *Server) DataDir() string {
	if s.dir.lock == nil {
		return ""
	}
	return s.dir.path
}

// Shutdown shuts the server down, and returns when all of it has ended. It can be called more than once.
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
	options := &server.Options{
		ServerName:             "troupe-" + strings.ReplaceAll(programName(), " ", "-"), // the server allows no spaces
		Host:                   host,
		Port:                   port,
		DontListen:             c.InProcessOnly,
		JetStream:              true,
		DisableJetStreamBanner: true,
		SyncAlways:             c.SyncAlways && !c.Memory,
		SyncInterval:           interval,
		NoSigs:                 true,
		// The cache would hit rarely, because each reply has a subject of its own. And each new wildcard subscription,
		// such as that of an actor that wakes, would scan all of it.
		NoSublistCache: true,
		Websocket:      websocket,
	}
	if !c.InProcessOnly {
		// A client that has vanished, perhaps to come back by another connection, is forgotten as soon as it would notice
		// itself. Else what it was subscribed to takes a part of the calls: by default for some five minutes.
		options.PingInterval, options.MaxPingsOut = pingInterval, maxPings
		options.Websocket.PingInterval = server.DEFAULT_PING_INTERVAL // a page in the background may sleep
	}
	return options, nil
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

// check returns an error that explains why the server gave up, or nil.
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

// urlOf is the URL by which this machine reaches a listener, which may be on all addresses.
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

// serverLog passes the server's warnings and errors on. Its other messages are for operators of a server.
type serverLog struct {
	logger *slog.Logger

	mu    sync.Mutex
	fatal error
}

func (l *serverLog) Noticef(string, ...any) {}
func (l *serverLog) Debugf(string, ...any)  {}
func (l *serverLog) Tracef(string, ...any)  {}

func (l *serverLog) Warnf(format string, args ...any) {
	if strings.HasPrefix(format, "Websocket not configured with TLS") { // configured so
		return
	}
	l.logger.Warn("NATS server", "message", fmt.Sprintf(format, args...))
}

func (l *serverLog) Errorf(format string, args ...any) {
	l.logger.Error("NATS server", "message", fmt.Sprintf(format, args...))
}

// Fatalf records why the server gave up. It does not end the process; the server continues as far as it can.
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
