// Package examples has one program for each way in which actors work together:
//
//	orders     an actor calls others and keeps the result: order processing, with a refused payment
//	workflow   an actor takes work through several others, step by step
//	analytics  an actor asks several others at once and makes one report of their answers
//	audit      an actor subscribes for good to the events of others, and misses none
//	batch      a program calls many actors in parallel
//	carts      actors schedule what they will do: carts that expire, a mail that is tried again, a daily report
//	mail       a queue: letters that are sent once, tried again, or kept as dead letters
//	saga       a workflow calls others, goes on whatever dies, and undoes what it has done if it fails
//	approval   a workflow sleeps until somebody decides, for three days at most
//	agent      an actor looks at something by itself, again and again: a run loop
//	chat       pages in a browser are connected with an actor, over a WebSocket
//
// Each is a contract (a package that imports only troupe), the actors behind it (actors.go), the program (main.go) and a
// scene for people to read (scene.go). A main.go is there to be copied, without what stage does in it: stage has the flags
// and the output of the examples, which a program of your own does not need.
//
// Package tutorial has the ten steps of docs/tutorial.md.
//
// All others take --serve, which keeps the actors up for others, and all run on the server at NATS_URL when that is set. Package
// node calls their actors from JavaScript.
package examples
