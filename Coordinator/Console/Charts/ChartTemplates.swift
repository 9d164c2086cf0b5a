/// Charts as SVG, drawn on the server; each with the numbers as a table below it.
///
/// The drawing is stretched to the room that there is, and the words beside it are text of the page, so that they stay
/// readable on a phone.
enum ChartTemplates {
    static let all = ["bar-chart": bars, "line-chart": lines]

    private static let bars = """
        <figure class="chart">
          <div class="plot">
            <div class="scale" aria-hidden="true">{{#scale}}<span>{{.}}</span>{{/scale}}</div>
            <svg viewBox="0 0 {{width}} 100" preserveAspectRatio="none" role="img" aria-label="{{label}}">
              <path class="grid" d="M0 0H{{width}}M0 50H{{width}}"/>
              {{#bars}}
              <g><title>{{tip}}</title><rect class="band" x="{{band}}" y="0" width="10" height="100"/>{{#segments}}<rect class="{{kind}}" x="{{x}}" y="{{y}}" width="7" height="{{height}}"/>{{/segments}}</g>
              {{/bars}}
              <path class="axis" d="M0 100H{{width}}"/>
            </svg>
            <div class="times" aria-hidden="true">{{#times}}<span>{{.}}</span>{{/times}}</div>
          </div>
          <figcaption>
            <ul class="legend-keys">{{#keys}}<li><i class="{{kind}}"></i>{{name}}</li>{{/keys}}</ul>
          </figcaption>
        </figure>

        """

    private static let lines = """
        <figure class="chart">
          <div class="plot">
            <div class="scale" aria-hidden="true">{{#scale}}<span>{{.}}</span>{{/scale}}</div>
            <svg viewBox="0 0 {{width}} 100" preserveAspectRatio="none" role="img" aria-label="{{label}}">
              <path class="grid" d="M0 0H{{width}}M0 50H{{width}}"/>
              {{#lines}}<path class="line {{kind}}" d="{{path}}"/>{{/lines}}
              <path class="axis" d="M0 100H{{width}}"/>
              {{#bars}}<g><title>{{tip}}</title><rect class="band" x="{{band}}" y="0" width="10" height="100"/></g>{{/bars}}
            </svg>
            <div class="times" aria-hidden="true">{{#times}}<span>{{.}}</span>{{/times}}</div>
          </div>
          <figcaption>
            <ul class="legend-keys">{{#keys}}<li><i class="{{kind}}"></i>{{name}}</li>{{/keys}}</ul>
          </figcaption>
        </figure>

        """
}
